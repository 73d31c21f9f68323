package meltemi.peer;

import com.baidu.brpc.RpcContext;
import com.baidu.brpc.server.RpcServer;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;

/** brpc-java's: an attachment comes back. */
public final class BrpcServer implements BrpcEcho {
  static void start(int port) {
    RpcServer server = new RpcServer("127.0.0.1", port);
    server.registerService(new BrpcServer());
    server.start();
  }

  @Override
  public Answer echo(Ask ask) {
    RpcContext context = RpcContext.getContext();
    ByteBuf attached = context.getRequestBinaryAttachment();
    if (attached != null && attached.isReadable()) {
      String text = attached.toString(StandardCharsets.UTF_8) + " back";
      context.setResponseBinaryAttachment(Unpooled.copiedBuffer(text, StandardCharsets.UTF_8));
    }
    return Echo.of("brpc-java", ask);
  }

  @Override
  public Answer elsewhere(Ask ask) {
    return Echo.of("brpc-java", ask);
  }
}
