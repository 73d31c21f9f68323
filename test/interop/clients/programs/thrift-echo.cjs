/**
 * A Thrift service as thrift's compiler would write it, but for what is common to all its methods:
 *
 *     service Echo { string ping(1: string text), string whoami(1: string text), oneway void note(1: string text) }
 */
const { Thrift } = require('thrift');

const ONEWAY = new Set(['note']);

function write(output, name, type, id, { field, value }) {
  output.writeMessageBegin(name, type, id);
  output.writeStructBegin('');
  if (value !== undefined) {
    output.writeFieldBegin('', Thrift.Type.STRING, field);
    output.writeString(value);
    output.writeFieldEnd();
  }
  output.writeFieldStop();
  output.writeStructEnd();
  output.writeMessageEnd();
  output.flush();
}

function read(input) {
  let value;
  input.readStructBegin();
  for (let field = input.readFieldBegin(); field.ftype !== Thrift.Type.STOP; field = input.readFieldBegin()) {
    value = input.readString();
    input.readFieldEnd();
  }
  input.readStructEnd();
  input.readMessageEnd();
  return value;
}

class Client {
  _seqid = 0;
  _reqs = {};

  constructor(output, Protocol) {
    this.output = output;
    this.Protocol = Protocol;
  }

  seqid() {
    return this._seqid;
  }

  call(method, text) {
    const id = ++this._seqid;
    return new Promise((resolve, reject) => {
      if (ONEWAY.has(method)) resolve();
      else this._reqs[id] = (error, result) => (error ? reject(error) : resolve(result));
      // The connection looks its receiver up by this name.
      this[`recv_${method}`] ??= (...reply) => this.receive(...reply);
      const type = ONEWAY.has(method) ? Thrift.MessageType.ONEWAY : Thrift.MessageType.CALL;
      write(new this.Protocol(this.output), method, type, id, { field: 1, value: text });
    });
  }

  receive(input, type, id) {
    const answer = this._reqs[id];
    delete this._reqs[id];
    if (type !== Thrift.MessageType.EXCEPTION) return answer(null, read(input));
    const exception = new Thrift.TApplicationException();
    exception.read(input);
    input.readMessageEnd();
    return answer(exception);
  }
}

class Processor {
  constructor(handler) {
    this.handler = handler;
  }

  process(input, output) {
    const { fname, rseqid } = input.readMessageBegin();
    const text = read(input);
    const handle = this.handler[fname];
    if (handle !== undefined) {
      const value = handle(text);
      if (!ONEWAY.has(fname)) write(output, fname, Thrift.MessageType.REPLY, rseqid, { field: 0, value });
      return;
    }
    const exception = new Thrift.TApplicationException(1, `Unknown function ${fname}`);
    output.writeMessageBegin(fname, Thrift.MessageType.EXCEPTION, rseqid);
    exception.write(output);
    output.writeMessageEnd();
    output.flush();
  }
}

module.exports = { Client, Processor };
