/** What the demo prints: for people as it happens, or one JSON line a scene for a machine. */

export interface Check {
  readonly what: string;
  readonly expected: string;
  readonly observed: string;
  readonly ok: boolean;
}

export class Report {
  private failed = 0;
  private scene = '';
  private checks: Check[] = [];
  private begun = 0;

  constructor(
    private readonly json: boolean,
    private readonly colour: boolean,
  ) {}

  open(title: string, story: string): void {
    this.scene = title;
    this.checks = [];
    this.begun = performance.now();
    if (this.json) return;
    console.log(`\n${this.paint('1', title)}`);
    console.log(`  ${this.paint('2', story)}`);
  }

  /** Something that happened, told as it does. */
  say(line: string): void {
    if (!this.json) console.log(`  ${line}`);
  }

  check(what: string, expected: string, observed: string | number, ok: boolean): void {
    const check = { what, expected, observed: String(observed), ok };
    this.checks.push(check);
    if (!ok) this.failed++;
    if (this.json) return;
    const mark = ok ? this.paint('32', '✓') : this.paint('31', '✗');
    console.log(`  ${mark} ${what}: expected ${expected}, observed ${this.paint(ok ? '32' : '31', check.observed)}`);
  }

  equal(what: string, expected: string | number, observed: string | number): void {
    this.check(what, String(expected), observed, String(expected) === String(observed));
  }

  /** `observed` within `tolerance` of `expected`. */
  near(what: string, expected: number, tolerance: number, observed: number): void {
    this.check(what, `${expected} ± ${tolerance}`, observed, Math.abs(observed - expected) <= tolerance);
  }

  close(): void {
    const ms = Math.round(performance.now() - this.begun);
    if (this.json) console.log(JSON.stringify({ scene: this.scene, ms, checks: this.checks }));
  }

  /** The last line; returns the exit code. */
  end(ms: number): number {
    const seconds = (ms / 1000).toFixed(1);
    if (this.json) console.log(JSON.stringify({ done: true, failed: this.failed, ms: Math.round(ms) }));
    else if (this.failed === 0) console.log(`\n${this.paint('32', `All as expected, in ${seconds} s.`)}`);
    else console.log(`\n${this.paint('31', `${this.failed} figures differ from what was expected (${seconds} s).`)}`);
    return this.failed === 0 ? 0 : 1;
  }

  private paint(code: string, text: string): string {
    return this.colour ? `\u001b[${code}m${text}\u001b[0m` : text;
  }
}
