/** What the tests use of npm's thrift. */
declare module 'thrift' {
  import type { EventEmitter } from 'node:events';
  import type { Server } from 'node:net';
  import type { Duplex } from 'node:stream';

  namespace thrift {
    interface Protocol {
      readonly trans: { commitPosition(): void };
      flush(): void;
      skip(type: number): void;
      readMessageBegin(): { fname: string; mtype: number; rseqid: number };
      readMessageEnd(): void;
      readStructBegin(): void;
      readStructEnd(): void;
      readFieldBegin(): { ftype: number; fid: number };
      readFieldEnd(): void;
      readString(): string;
      readI32(): number;
      writeMessageBegin(name: string, type: number, seqid: number): void;
      writeMessageEnd(): void;
      writeStructBegin(name: string): void;
      writeStructEnd(): void;
      writeFieldBegin(name: string, type: number, id: number): void;
      writeFieldEnd(): void;
      writeFieldStop(): void;
      writeString(value: string): void;
      writeI32(value: number): void;
    }
    type ProtocolClass = new (transport: unknown) => Protocol;
    type TransportClass = object;
    interface Options {
      transport?: TransportClass;
      protocol?: ProtocolClass;
    }
    class Connection extends EventEmitter {
      constructor(stream: Duplex, options?: Options);
      end(): void;
    }
    class Multiplexer {
      createClient<T>(name: string, service: new (output: Transport, protocol: ProtocolClass) => T, it: Connection): T;
    }
    class MultiplexedProcessor {
      registerProcessor(name: string, processor: object): void;
    }
    interface Transport {
      flush(): void;
    }
    interface TApplicationException extends Error {
      type: number;
      code: number;
      read(input: Protocol): void;
      write(output: Protocol): void;
    }

    function createConnection(host: string, port: number, options: Options): Connection;
    function createClient<T>(service: new (output: Transport, protocol: ProtocolClass) => T, connection: Connection): T;
    function createServer(processor: object, handler: object, options: Options): Server;
    function createMultiplexServer(processor: MultiplexedProcessor, options: Options): Server;
    const TBufferedTransport: TransportClass;
    const TFramedTransport: TransportClass;
    const TBinaryProtocol: ProtocolClass;
    const TCompactProtocol: ProtocolClass;
    const TJSONProtocol: ProtocolClass;
    const Thrift: {
      Type: Record<'STOP' | 'STRING' | 'I32' | 'STRUCT', number>;
      MessageType: Record<'CALL' | 'REPLY' | 'EXCEPTION' | 'ONEWAY', number>;
      TApplicationException: new (type?: number, message?: string) => TApplicationException;
    };
  }
  export default thrift;
}
