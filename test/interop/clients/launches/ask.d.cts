declare function ask(): Promise<string>;
export = ask;
