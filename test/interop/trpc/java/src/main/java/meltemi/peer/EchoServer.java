package meltemi.peer;

import com.google.protobuf.StringValue;
import com.tencent.trpc.core.exception.TRpcException;
import com.tencent.trpc.core.rpc.RpcContext;
import java.nio.charset.StandardCharsets;

/** Answers what it is asked; some texts ask for an error, or for time. */
public final class EchoServer implements Echo {
  private final String name;

  EchoServer(String name) {
    this.name = name;
  }

  @Override
  public StringValue say(RpcContext context, StringValue text) {
    String ask = text.getValue();
    String[] parts = ask.split(":", 2);
    switch (parts[0]) {
      case "business": throw TRpcException.newBizException(10086, parts[1]);
      case "framework": throw TRpcException.newFrameException(22, parts[1]);
      case "plain": throw new IllegalStateException(parts[1]);
      case "sleep":
        try {
          Thread.sleep(Long.parseLong(parts[1]));
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
        break;
      default:
    }
    String answer = name + " " + ask;
    if (ask.equals("meta")) answer += " " + pair(context, "x-user") + " " + pair(context, "added");
    return StringValue.of(answer);
  }

  private static String pair(RpcContext context, String key) {
    Object value = context.getReqAttachMap().get(key);
    return value instanceof byte[] ? new String((byte[]) value, StandardCharsets.UTF_8) : String.valueOf(value);
  }
}
