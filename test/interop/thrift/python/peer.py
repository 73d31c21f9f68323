"""Echo with Apache Thrift for Python, as the compiler would write it but for what all methods share.

    peer.py server --port N --transport framed|buffered|header --protocol binary|compact|json [--multiplexed]
    peer.py client --port N --transport … --protocol … [--service NAME] [--zlib]

A client makes the calls that standard input tells, {"id","method","args","headers"?}, a line each, and prints
{"id","result"} or {"id","error":{"kind","type","text"}}. Both print {"ready":true,"port"} and end with standard input.
"""
import argparse
import json
import os
import sys
import threading

from thrift.Thrift import TApplicationException, TMessageType, TProcessor, TType
from thrift.TMultiplexedProcessor import TMultiplexedProcessor
from thrift.protocol import TBinaryProtocol, TCompactProtocol, THeaderProtocol, TJSONProtocol, TMultiplexedProtocol
from thrift.server import TServer
from thrift.transport import THeaderTransport, TSocket, TTransport

# Arguments and result of each method; a method without result is void, None is one-way.
METHODS = {
    "ping": (["string"], "string"),
    "add": (["i32", "i32"], "i32"),
    "guarded": (["string"], "string"),
    "nothing": ([], ""),
    "note": (["string"], None),
    "headers": ([], "string"),
    "missing": (["string"], "string"),
}
TYPES = {"string": TType.STRING, "i32": TType.I32}


class Denied(Exception):
    pass


def write_field(out, kind, number, value):
    out.writeFieldBegin("", TYPES[kind], number)
    out.writeString(value) if kind == "string" else out.writeI32(value)
    out.writeFieldEnd()


def write_struct(out, fields):
    out.writeStructBegin("")
    fields()
    out.writeFieldStop()
    out.writeStructEnd()


def read_struct(inp):
    values = {}
    inp.readStructBegin()
    while True:
        _, kind, number = inp.readFieldBegin()
        if kind == TType.STOP:
            break
        if kind == TType.STRING:
            values[number] = inp.readString()
        elif kind == TType.I32:
            values[number] = inp.readI32()
        elif kind == TType.STRUCT:
            values[number] = read_struct(inp)
        else:
            inp.skip(kind)
        inp.readFieldEnd()
    inp.readStructEnd()
    return values


class Handler:
    def __init__(self, name):
        self.name = name
        self.notes = []

    def ping(self, who):
        return "pong %s, from %s" % (who, self.name)

    def add(self, a, b):
        if a == 666:
            raise Exception("handler fell over")
        return a + b

    def guarded(self, key):
        if key == "notes":
            return ", ".join(self.notes)
        raise Denied("no entry for " + key)

    def nothing(self):
        pass

    def note(self, text):
        self.notes.append(text)


class Processor(TProcessor):
    def __init__(self, handler):
        self.handler = handler

    def process(self, inp, out):
        name, _, seq = inp.readMessageBegin()
        values = read_struct(inp)
        inp.readMessageEnd()
        method = METHODS.get(name)
        handle = getattr(self.handler, name, None)
        if name == "headers":
            headers = inp.trans.get_headers() if hasattr(inp.trans, "get_headers") else {}
            handle = lambda: json.dumps({key.decode(): value.decode() for key, value in headers.items()})
        if method is None or handle is None:
            self.raised(out, name, seq, TApplicationException(TApplicationException.UNKNOWN_METHOD, "Unknown function " + name))
            return True
        try:
            result = handle(*[values[i + 1] for i in range(len(method[0]))])
        except Denied as denied:
            self.answer(out, name, seq, lambda: self.denied(out, str(denied)))
            return True
        except Exception as error:
            self.raised(out, name, seq, TApplicationException(TApplicationException.INTERNAL_ERROR, str(error)))
            return True
        if method[1] is not None:
            self.answer(out, name, seq, lambda: method[1] and write_field(out, method[1], 0, result))
        return True

    def answer(self, out, name, seq, fields):
        out.writeMessageBegin(name, TMessageType.REPLY, seq)
        write_struct(out, fields)
        out.writeMessageEnd()
        out.trans.flush()

    def denied(self, out, text):
        out.writeFieldBegin("denied", TType.STRUCT, 1)
        write_struct(out, lambda: write_field(out, "string", 1, text))
        out.writeFieldEnd()

    def raised(self, out, name, seq, exception):
        out.writeMessageBegin(name, TMessageType.EXCEPTION, seq)
        exception.write(out)
        out.writeMessageEnd()
        out.trans.flush()


class Client:
    def __init__(self, protocol):
        self.protocol = protocol

    def call(self, name, args):
        kinds, result = METHODS[name]
        out = self.protocol
        out.writeMessageBegin(name, TMessageType.ONEWAY if result is None else TMessageType.CALL, 0)
        write_struct(out, lambda: [write_field(out, kind, i + 1, args[i]) for i, kind in enumerate(kinds)])
        out.writeMessageEnd()
        out.trans.flush()
        if result is None:
            return None
        _, kind, _ = out.readMessageBegin()
        if kind == TMessageType.EXCEPTION:
            exception = TApplicationException()
            exception.read(out)
            out.readMessageEnd()
            raise exception
        values = read_struct(out)
        out.readMessageEnd()
        if 1 in values:
            raise Denied(values[1][1])
        return values.get(0)


def factories(args):
    protocol = {
        "binary": TBinaryProtocol.TBinaryProtocolAcceleratedFactory,
        "compact": TCompactProtocol.TCompactProtocolAcceleratedFactory,
        "json": TJSONProtocol.TJSONProtocolFactory,
    }[args.protocol]()
    transport = TTransport.TFramedTransportFactory() if args.transport == "framed" else TTransport.TBufferedTransportFactory()
    return transport, protocol


def header_protocol(args):
    return THeaderTransport.THeaderSubprotocolID.COMPACT if args.protocol == "compact" else THeaderTransport.THeaderSubprotocolID.BINARY


def client_protocol(args, sock):
    if args.transport == "header":
        return THeaderProtocol.THeaderProtocol(sock, [THeaderTransport.THeaderClientType.HEADERS], header_protocol(args))
    transport, protocol = factories(args)
    return protocol.getProtocol(transport.getTransport(sock))


def serve(args):
    handler = Handler("python")
    processor = Processor(handler)
    if args.multiplexed:
        processor = TMultiplexedProcessor()
        processor.registerProcessor("Echo", Processor(handler))
    listening = TSocket.TServerSocket("127.0.0.1", args.port)
    if args.transport == "header":
        allowed = [THeaderTransport.THeaderClientType.HEADERS]
        header = THeaderProtocol.THeaderProtocolFactory(allowed, header_protocol(args))
        server = TServer.TThreadedServer(processor, listening, TTransport.TTransportFactoryBase(), header, daemon=True)
    else:
        server = TServer.TThreadedServer(processor, listening, *factories(args), daemon=True)
    threading.Thread(target=server.serve, daemon=True).start()
    print(json.dumps({"ready": True, "port": args.port}).replace(" ", ""), flush=True)
    sys.stdin.read()
    os._exit(0)


def drive(args):
    sock = TSocket.TSocket("127.0.0.1", args.port)
    protocol = client_protocol(args, sock)
    if args.zlib:
        protocol.trans.add_transform(THeaderTransport.THeaderTransformID.ZLIB)
    caller = Client(TMultiplexedProtocol.TMultiplexedProtocol(protocol, args.service) if args.service else protocol)
    protocol.trans.open()
    print(json.dumps({"ready": True, "port": args.port}).replace(" ", ""), flush=True)
    for line in sys.stdin:
        task = json.loads(line)
        answer = {"id": task["id"]}
        for key, value in task.get("headers", {}).items() if args.transport == "header" else ():
            protocol.trans.set_header(key.encode(), value.encode())
        try:
            answer["result"] = caller.call(task["method"], task["args"])
        except Denied as denied:
            answer["error"] = {"kind": "denied", "text": str(denied)}
        except TApplicationException as error:
            answer["error"] = {"kind": "application", "type": error.type, "text": error.message}
        except Exception as error:
            answer["error"] = {"kind": type(error).__name__, "text": str(error)}
        if args.transport == "header":
            answer["headers"] = {k.decode(): v.decode() for k, v in protocol.trans.get_headers().items()}
        print(json.dumps(answer), flush=True)


parser = argparse.ArgumentParser()
parser.add_argument("role", choices=["server", "client"])
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--transport", default="framed")
parser.add_argument("--protocol", default="binary")
parser.add_argument("--service")
parser.add_argument("--multiplexed", action="store_true")
parser.add_argument("--zlib", action="store_true")
arguments = parser.parse_args()
(serve if arguments.role == "server" else drive)(arguments)
