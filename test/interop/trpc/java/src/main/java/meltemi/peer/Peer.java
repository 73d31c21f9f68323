package meltemi.peer;

import com.google.protobuf.StringValue;
import com.tencent.trpc.core.common.ConfigManager;
import com.tencent.trpc.core.common.config.BackendConfig;
import com.tencent.trpc.core.common.config.ConsumerConfig;
import com.tencent.trpc.core.common.config.ProviderConfig;
import com.tencent.trpc.core.common.config.ServiceConfig;
import com.tencent.trpc.core.exception.TRpcException;
import com.tencent.trpc.core.rpc.RpcClientContext;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;

/** A real trpc-java server or client: text in, text out. See ../README.md for flags and lines. */
public final class Peer {
  public static void main(String[] args) throws Exception {
    Map<String, String> flags = new TreeMap<>();
    for (int i = 1; i + 1 < args.length; i += 2) flags.put(args[i], args[i + 1]);
    int port = Integer.parseInt(flags.get("--port"));
    ConfigManager.startTest();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    if (args[0].equals("server")) {
      serve(port, flags.getOrDefault("--name", "java"));
      ready(port);
      while (in.readLine() != null) {}
    } else {
      Echo echo = client(port);
      ready(port);
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        String[] parts = line.split("\t", -1);
        new Thread(() -> call(echo, parts)).start();
      }
    }
    Runtime.getRuntime().halt(0);
  }

  private static void ready(int port) {
    System.out.println("{\"ready\":true,\"port\":" + port + "}");
  }

  private static void serve(int port, String name) {
    ProviderConfig<Echo> provider = ProviderConfig.newInstance();
    provider.setServiceInterface(Echo.class);
    provider.setRef(new EchoServer(name));
    ServiceConfig service = new ServiceConfig();
    service.setName("trpc.meltemi.peer.Echo");
    service.getProviderConfigs().add(provider);
    service.setIp("127.0.0.1");
    service.setPort(port);
    service.setRequestTimeout(10_000);
    service.export();
  }

  private static Echo client(int port) {
    BackendConfig backend = new BackendConfig();
    backend.setNamingUrl("ip://127.0.0.1:" + port);
    backend.setCallee("trpc.meltemi.peer.Echo");
    backend.setCallerServiceName("trpc.meltemi.peer.Caller");
    backend.setRequestTimeout(5_000);
    ConsumerConfig<Echo> consumer = new ConsumerConfig<>();
    consumer.setServiceInterface(Echo.class);
    consumer.setBackendConfig(backend);
    return backend.getProxy(consumer);
  }

  /** id, text, timeout in ms or empty, one-way or empty, then keys and values of trans_info. */
  private static void call(Echo echo, String[] parts) {
    RpcClientContext context = new RpcClientContext();
    if (!parts[2].isEmpty()) context.setTimeoutMills(Integer.parseInt(parts[2]));
    context.setOneWay(!parts[3].isEmpty());
    for (int i = 4; i + 1 < parts.length; i += 2) {
      context.getReqAttachMap().put(parts[i], parts[i + 1].getBytes(StandardCharsets.UTF_8));
    }
    String outcome;
    try {
      StringValue reply = echo.say(context, StringValue.of(parts[1]));
      outcome = "\"texts\":[" + quoted(reply == null ? "" : reply.getValue()) + "],\"meta\":{" + pairs(context) + "}";
    } catch (TRpcException e) {
      outcome = "\"texts\":[],\"error\":{\"code\":" + e.getCode() + ",\"biz\":" + e.getBizCode()
          + ",\"text\":" + quoted(e.getMessage()) + "}";
    }
    synchronized (Peer.class) {
      System.out.println("{\"id\":" + parts[0] + "," + outcome + "}");
    }
  }

  private static String pairs(RpcClientContext context) {
    StringBuilder out = new StringBuilder();
    context.getRspAttachMap().forEach((key, value) -> {
      if (!(value instanceof byte[])) return;
      if (out.length() > 0) out.append(',');
      out.append(quoted(key)).append(':').append(quoted(new String((byte[]) value, StandardCharsets.UTF_8)));
    });
    return out.toString();
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
