/** A replacement of somebody else's function, which can be undone. */
export interface Patch {
  /**
   * Puts back what was there. Where others have replaced the replacement since, theirs stay, and ours lets everything
   * through.
   */
  undo(): void;
}

// biome-ignore lint/suspicious/noExplicitAny: any function may be replaced
type AnyFunction = (this: any, ...args: any[]) => any;

const INHERITED: PropertyDescriptor = { writable: true, configurable: true };

/**
 * Replaces a method of an object, its own or one that it inherits, by one that has the same name and properties
 * (`util.promisify` finds its own there).
 * @param make - is given what was there, whoever put it there
 */
export function patch<K extends string>(
  target: { [key in K]?: unknown },
  name: K,
  make: (before: AnyFunction) => AnyFunction,
): Patch {
  const own = Object.getOwnPropertyDescriptor(target, name);
  const before = target[name] as AnyFunction;
  const replacement = make(before);
  let undone = false;
  const ours: AnyFunction = function (...args) {
    return (undone ? before : replacement).apply(this, args);
  };
  Object.defineProperties(ours, Object.getOwnPropertyDescriptors(before));
  Object.defineProperty(target, name, { ...(own ?? INHERITED), value: ours });
  return {
    undo() {
      undone = true;
      if (target[name] !== ours) return;
      if (own === undefined) delete target[name];
      else Object.defineProperty(target, name, own);
    },
  };
}
