package meltemi.peer;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/** A real brpc-java or jprotobuf server or client: text in, text out. See ../README.md for flags and lines. */
public final class Peer {
  interface Client {
    Outcome call(String method, Ask ask, String attachment, long logId);
  }

  /** What the calling code sees. */
  static final class Outcome {
    private final String json;

    Outcome(String text, String attachment) {
      json = "\"text\":" + quoted(text) + (attachment == null || attachment.isEmpty() ? "" : ",\"attachment\":" + quoted(attachment));
    }

    Outcome(Throwable thrown, int code) {
      json = "\"error\":{\"kind\":" + quoted(thrown.getClass().getSimpleName()) + ",\"code\":" + code
          + ",\"text\":" + quoted(String.valueOf(thrown.getMessage())) + "}";
    }
  }

  public static void main(String[] args) throws Exception {
    boolean brpc = args[0].equals("brpc-java");
    int port = Integer.parseInt(args[2]);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    if (args[1].equals("server")) {
      if (brpc) BrpcServer.start(port);
      else JprotobufServer.start(port);
      ready(port);
      while (in.readLine() != null) {}
    } else {
      Client client = brpc ? new BrpcClient(port) : new JprotobufClient(port);
      ready(port);
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        String[] parts = line.split("\t", -1);
        new Thread(() -> call(client, parts)).start();
      }
    }
    Runtime.getRuntime().halt(0);
  }

  private static void ready(int port) {
    System.out.println("{\"ready\":true,\"port\":" + port + "}");
  }

  /** Number of the call, method, text, attachment, log id; the last two may be empty. */
  private static void call(Client client, String[] parts) {
    Ask ask = new Ask();
    ask.text = parts[2];
    Outcome outcome;
    try {
      outcome = client.call(parts[1], ask, parts[3], parts[4].isEmpty() ? 0 : Long.parseLong(parts[4]));
    } catch (RuntimeException e) {
      outcome = new Outcome(e, -1);
    }
    synchronized (Peer.class) {
      System.out.println("{\"call\":" + parts[0] + "," + outcome.json + "}");
    }
  }

  private static String quoted(String text) {
    StringBuilder out = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') out.append('\\').append(c);
      else if (c < 0x20) out.append(String.format("\\u%04x", (int) c));
      else out.append(c);
    }
    return out.append('"').toString();
  }
}
