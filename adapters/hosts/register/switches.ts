/** Is a variable that turns something on set so? `1`, `true`, `on` and `yes` do. */
export function isSwitchedOn(text: string | undefined): boolean {
  return /^(1|true|on|yes)$/i.test(text?.trim() ?? '');
}
