/**
 * The service Echo for npm's thrift, as its compiler would write it, but for what is common to all methods:
 *
 *     exception Denied { 1: string reason }
 *     service Echo { string ping(1: string who), i32 add(1: i32 a, 2: i32 b), string slow(1: i32 ms),
 *       string guarded(1: string key) throws (1: Denied denied), void nothing(), oneway void note(1: string text) }
 *
 * and `missing`, which the client alone knows.
 */
import type { default as Thrift } from 'thrift';
import thrift from './npm-thrift.js';

const { Type, MessageType, TApplicationException } = thrift.Thrift;

interface Method {
  readonly args: readonly ('STRING' | 'I32')[];
  readonly result?: 'STRING' | 'I32';
  readonly oneway?: true;
}

const METHODS: Readonly<Record<string, Method>> = {
  ping: { args: ['STRING'], result: 'STRING' },
  add: { args: ['I32', 'I32'], result: 'I32' },
  slow: { args: ['I32'], result: 'STRING' },
  guarded: { args: ['STRING'], result: 'STRING' },
  nothing: { args: [] },
  note: { args: ['STRING'], oneway: true },
  missing: { args: ['STRING'], result: 'STRING' },
};

type Value = string | number;

export class Denied extends Error {
  override readonly name = 'Denied';
}

function write(output: Thrift.Protocol, type: 'STRING' | 'I32', id: number, value: Value): void {
  output.writeFieldBegin('', Type[type], id);
  if (type === 'STRING') output.writeString(value as string);
  else output.writeI32(value as number);
  output.writeFieldEnd();
}

function writeStruct(output: Thrift.Protocol, fields: () => void): void {
  output.writeStructBegin('');
  fields();
  output.writeFieldStop();
  output.writeStructEnd();
}

/** All fields by id; a struct inside is read into its own map. */
function readStruct(input: Thrift.Protocol): Map<number, Value | Map<number, Value>> {
  const values = new Map<number, Value | Map<number, Value>>();
  input.readStructBegin();
  for (let field = input.readFieldBegin(); field.ftype !== Type.STOP; field = input.readFieldBegin()) {
    if (field.ftype === Type.STRING) values.set(field.fid, input.readString());
    else if (field.ftype === Type.I32) values.set(field.fid, input.readI32());
    else if (field.ftype === Type.STRUCT) values.set(field.fid, readStruct(input) as Map<number, Value>);
    else input.skip(field.ftype);
    input.readFieldEnd();
  }
  input.readStructEnd();
  return values;
}

type Callback = (error: Error | null, result?: unknown) => void;

/** As generated clients are: a method for each call, and a `recv_` one for each reply, which the connection calls. */
export class EchoClient {
  _seqid = 0;
  readonly _reqs: Record<number, Callback> = {};

  constructor(
    private readonly output: Thrift.Transport,
    private readonly Protocol: Thrift.ProtocolClass,
  ) {
    for (const method of Object.keys(METHODS)) {
      (this as unknown as Record<string, unknown>)[`recv_${method}`] = this.receive.bind(this);
    }
  }

  seqid(): number {
    return this._seqid;
  }

  new_seqid(): number {
    this._seqid += 1;
    return this._seqid;
  }

  call(name: string, ...args: readonly Value[]): Promise<unknown> {
    const method = METHODS[name]!;
    this._seqid = this.new_seqid();
    const seqid = this.seqid();
    const answered = new Promise((resolve, reject) => {
      this._reqs[seqid] = (error, result) => (error === null ? resolve(result) : reject(error));
    });
    const output = new this.Protocol(this.output);
    output.writeMessageBegin(name, method.oneway ? MessageType.ONEWAY : MessageType.CALL, seqid);
    writeStruct(output, () => {
      for (const [i, type] of method.args.entries()) write(output, type, i + 1, args[i]!);
    });
    output.writeMessageEnd();
    this.output.flush();
    if (!method.oneway) return answered;
    delete this._reqs[seqid];
    return Promise.resolve();
  }

  private receive(input: Thrift.Protocol, type: number, seqid: number): void {
    const callback = this._reqs[seqid] ?? (() => {});
    delete this._reqs[seqid];
    if (type === MessageType.EXCEPTION) {
      const exception = new TApplicationException();
      exception.read(input);
      input.readMessageEnd();
      callback(exception);
      return;
    }
    const values = readStruct(input);
    input.readMessageEnd();
    const denied = values.get(1) as Map<number, string> | undefined;
    if (denied === undefined) callback(null, values.get(0));
    else callback(new Denied(denied.get(1)));
  }
}

export type EchoHandler = Partial<Record<string, (...args: Value[]) => unknown>>;

/** As generated processors are. */
export class EchoProcessor {
  constructor(private readonly handler: EchoHandler) {}

  process(input: Thrift.Protocol, output: Thrift.Protocol): void {
    const { fname, rseqid } = input.readMessageBegin();
    const method = METHODS[fname];
    const handle = this.handler[fname];
    const values = readStruct(input);
    input.readMessageEnd();
    if (method === undefined || handle === undefined) {
      raise(output, fname, rseqid, 1, `Unknown function ${fname}`);
      return;
    }
    const args = method.args.map((_, i) => values.get(i + 1) as Value);
    Promise.resolve()
      .then(() => handle(...args))
      .then(
        (result) => {
          if (!method.oneway)
            answer(
              output,
              fname,
              rseqid,
              () => result !== undefined && write(output, method.result!, 0, result as Value),
            );
        },
        (error: Error) => {
          if (method.oneway) return;
          if (!(error instanceof Denied)) raise(output, fname, rseqid, 6, error.message);
          else answer(output, fname, rseqid, () => writeDenied(output, error.message));
        },
      );
  }
}

function writeDenied(output: Thrift.Protocol, reason: string): void {
  output.writeFieldBegin('denied', Type.STRUCT, 1);
  writeStruct(output, () => write(output, 'STRING', 1, reason));
  output.writeFieldEnd();
}

function answer(output: Thrift.Protocol, name: string, seqid: number, fields: () => unknown): void {
  output.writeMessageBegin(name, MessageType.REPLY, seqid);
  writeStruct(output, () => void fields());
  output.writeMessageEnd();
  output.flush();
}

function raise(output: Thrift.Protocol, name: string, seqid: number, type: number, text: string): void {
  const exception = new TApplicationException(type, text);
  exception.code = type;
  output.writeMessageBegin(name, MessageType.EXCEPTION, seqid);
  exception.write(output);
  output.writeMessageEnd();
  output.flush();
}
