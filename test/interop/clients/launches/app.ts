import ask from './ask.cjs';

const answer: string = await ask();
console.log(answer satisfies string);
