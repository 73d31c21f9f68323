package meltemi.peer;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.thrift.TApplicationException;
import org.apache.thrift.TMultiplexedProcessor;
import org.apache.thrift.TProcessor;
import org.apache.thrift.protocol.TBinaryProtocol;
import org.apache.thrift.protocol.TCompactProtocol;
import org.apache.thrift.protocol.TJSONProtocol;
import org.apache.thrift.protocol.TMultiplexedProtocol;
import org.apache.thrift.protocol.TProtocol;
import org.apache.thrift.protocol.TProtocolFactory;
import org.apache.thrift.server.THsHaServer;
import org.apache.thrift.server.TServer;
import org.apache.thrift.server.TThreadPoolServer;
import org.apache.thrift.transport.TNonblockingServerSocket;
import org.apache.thrift.transport.TServerSocket;
import org.apache.thrift.transport.TSocket;
import org.apache.thrift.transport.TTransport;
import org.apache.thrift.transport.TTransportFactory;
import org.apache.thrift.transport.layered.TFramedTransport;

/** Echo with Apache Thrift for Java. Takes the same arguments, and prints the same lines, as python/peer.py. */
public final class Peer {
  private static List<String> arguments;

  private Peer() {}

  public static void main(String[] args) throws Exception {
    arguments = Arrays.asList(args);
    int port = Integer.parseInt(option("--port", "0"));
    boolean framed = option("--transport", "framed").equals("framed");
    if (args[0].equals("server")) serve(port, framed);
    else drive(port, framed);
  }

  private static String option(String name, String otherwise) {
    int at = arguments.indexOf(name);
    return at < 0 ? otherwise : arguments.get(at + 1);
  }

  private static TProtocolFactory protocols() {
    switch (option("--protocol", "binary")) {
      case "compact":
        return new TCompactProtocol.Factory();
      case "json":
        return new TJSONProtocol.Factory();
      default:
        return new TBinaryProtocol.Factory();
    }
  }

  /** Framed: THsHaServer, which answers in order; else TThreadPoolServer. */
  private static void serve(int port, boolean framed) throws Exception {
    TProcessor processor = new Echo.Processor();
    if (arguments.contains("--multiplexed")) {
      TMultiplexedProcessor multiplexed = new TMultiplexedProcessor();
      multiplexed.registerProcessor("Echo", processor);
      processor = multiplexed;
    }
    InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    TServer server =
        framed
            ? new THsHaServer(
                new THsHaServer.Args(new TNonblockingServerSocket(address)).processor(processor).protocolFactory(protocols()))
            : new TThreadPoolServer(
                new TThreadPoolServer.Args(new TServerSocket(address))
                    .processor(processor)
                    .protocolFactory(protocols())
                    .transportFactory(new TTransportFactory()));
    Thread serving = new Thread(server::serve);
    serving.setDaemon(true);
    serving.start();
    while (!server.isServing()) Thread.sleep(5);
    System.out.println("{\"ready\":true,\"port\":" + port + "}");
    while (System.in.read() >= 0) {}
    Runtime.getRuntime().halt(0);
  }

  private static void drive(int port, boolean framed) throws Exception {
    TTransport transport = new TSocket("127.0.0.1", port);
    if (framed) transport = new TFramedTransport(transport);
    transport.open();
    TProtocol in = protocols().getProtocol(transport);
    String service = option("--service", "");
    Echo.Client client = new Echo.Client(in, service.isEmpty() ? in : new TMultiplexedProtocol(in, service));
    System.out.println("{\"ready\":true,\"port\":" + port + "}");
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) System.out.println(call(client, line));
    Runtime.getRuntime().halt(0);
  }

  /** A line is the id, the method and its arguments, between tabs: there is no JSON in Java. */
  private static String call(Echo.Client client, String line) {
    List<String> parts = new ArrayList<>(Arrays.asList(line.split("\t")));
    String id = "{\"id\":" + parts.remove(0);
    String method = parts.remove(0);
    List<Object> args = new ArrayList<>();
    for (String part : parts) args.add(method.equals("add") ? (Object) Integer.valueOf(part) : part);
    try {
      Object result = client.call(method, args);
      return id + ",\"result\":" + (result instanceof Integer ? result : quoted((String) result)) + "}";
    } catch (Echo.Denied denied) {
      return id + error("denied", 0, denied.getMessage());
    } catch (TApplicationException error) {
      return id + error("application", error.getType(), error.getMessage());
    } catch (Exception error) {
      return id + error(error.getClass().getSimpleName(), 0, String.valueOf(error.getMessage()));
    }
  }

  private static String error(String kind, int type, String text) {
    return ",\"error\":{\"kind\":\"" + kind + "\",\"type\":" + type + ",\"text\":" + quoted(text) + "}}";
  }

  private static String quoted(String text) {
    return text == null ? "null" : '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }
}
