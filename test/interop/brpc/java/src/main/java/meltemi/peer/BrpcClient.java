package meltemi.peer;

import com.baidu.brpc.RpcContext;
import com.baidu.brpc.client.BrpcProxy;
import com.baidu.brpc.client.RpcClient;
import com.baidu.brpc.client.RpcClientOptions;
import com.baidu.brpc.exceptions.RpcException;
import com.baidu.brpc.protocol.Options;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;

/** brpc-java's client. */
final class BrpcClient implements Peer.Client {
  private final BrpcEcho echo;
  private final BrpcGhost ghost;

  BrpcClient(int port) {
    echo = BrpcProxy.getProxy(clientOf(port), BrpcEcho.class);
    ghost = BrpcProxy.getProxy(clientOf(port), BrpcGhost.class);
  }

  /** One interface a client: it looks methods up by name in the last one. */
  private static RpcClient clientOf(int port) {
    RpcClientOptions options = new RpcClientOptions();
    options.setProtocolType(Options.ProtocolType.PROTOCOL_BAIDU_STD_VALUE);
    options.setReadTimeoutMillis(5_000);
    options.setWriteTimeoutMillis(5_000);
    options.setMaxTryTimes(1);
    return new RpcClient("list://127.0.0.1:" + port, options);
  }

  @Override
  public Peer.Outcome call(String method, Ask ask, String attachment, long logId) {
    RpcContext context = RpcContext.getContext();
    context.reset();
    if (logId != 0) context.setLogId(logId);
    if (!attachment.isEmpty()) context.setRequestBinaryAttachment(attachment.getBytes(StandardCharsets.UTF_8));
    try {
      Answer answer = answer(method, ask);
      ByteBuf attached = RpcContext.getContext().getResponseBinaryAttachment();
      return new Peer.Outcome(answer.text, attached == null ? null : attached.toString(StandardCharsets.UTF_8));
    } catch (RpcException e) {
      return new Peer.Outcome(e, e.getCode());
    }
  }

  private Answer answer(String method, Ask ask) {
    switch (method) {
      case "Echo": return echo.echo(ask);
      case "Elsewhere": return echo.elsewhere(ask);
      case "Missing": return ghost.missing(ask);
      default: return ghost.forbidden(ask);
    }
  }
}
