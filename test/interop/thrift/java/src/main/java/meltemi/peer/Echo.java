package meltemi.peer;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.apache.thrift.TApplicationException;
import org.apache.thrift.TBase;
import org.apache.thrift.TException;
import org.apache.thrift.TProcessor;
import org.apache.thrift.TServiceClient;
import org.apache.thrift.protocol.TMessage;
import org.apache.thrift.protocol.TMessageType;
import org.apache.thrift.protocol.TProtocol;

/** Both ends of Echo, as the compiler would write them but for what all methods share. */
final class Echo {
  private Echo() {}

  static final class Denied extends Exception {
    Denied(String text) {
      super(text);
    }
  }

  static final class Client extends TServiceClient {
    Client(TProtocol in, TProtocol out) {
      super(in, out);
    }

    Object call(String method, List<Object> args) throws TException, Denied {
      Record arguments = new Record();
      for (int i = 0; i < args.size(); i++) arguments.with(i + 1, args.get(i));
      if (method.equals("note")) {
        sendBaseOneway(method, arguments);
        return null;
      }
      sendBase(method, arguments);
      Record result = new Record();
      receiveBase(result, method);
      if (result.get(1) != null) throw new Denied((String) ((Record) result.get(1)).get(1));
      return result.get(0);
    }
  }

  static final class Processor implements TProcessor {
    private final List<String> notes = Collections.synchronizedList(new ArrayList<>());

    @Override
    public void process(TProtocol in, TProtocol out) throws TException {
      TMessage call = in.readMessageBegin();
      Record args = new Record();
      args.read(in);
      in.readMessageEnd();
      try {
        Object result = handle(call.name, args);
        if (call.type != TMessageType.ONEWAY) answer(out, call, TMessageType.REPLY, new Record().with(0, result));
      } catch (Denied denied) {
        answer(out, call, TMessageType.REPLY, new Record().with(1, new Record().with(1, denied.getMessage())));
      } catch (TApplicationException error) {
        out.writeMessageBegin(new TMessage(call.name, TMessageType.EXCEPTION, call.seqid));
        error.write(out);
        out.writeMessageEnd();
        out.getTransport().flush();
      }
    }

    private Object handle(String name, Record args) throws Denied, TApplicationException {
      switch (name) {
        case "ping":
          return "pong " + args.get(1) + ", from java";
        case "add":
          if (args.get(1).equals(666)) throw new TApplicationException(TApplicationException.INTERNAL_ERROR, "handler fell over");
          return (Integer) args.get(1) + (Integer) args.get(2);
        case "guarded":
          if (args.get(1).equals("notes")) return String.join(", ", notes);
          throw new Denied("no entry for " + args.get(1));
        case "nothing":
          return null;
        case "note":
          notes.add((String) args.get(1));
          return null;
        default:
          throw new TApplicationException(TApplicationException.UNKNOWN_METHOD, "Unknown function " + name);
      }
    }

    private static void answer(TProtocol out, TMessage call, byte type, TBase<?, ?> body) throws TException {
      out.writeMessageBegin(new TMessage(call.name, type, call.seqid));
      body.write(out);
      out.writeMessageEnd();
      out.getTransport().flush();
    }
  }
}
