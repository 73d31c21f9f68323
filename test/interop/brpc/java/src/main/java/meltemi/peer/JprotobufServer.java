package meltemi.peer;

import com.baidu.jprotobuf.pbrpc.ProtobufRPCService;
import com.baidu.jprotobuf.pbrpc.ServerAttachmentHandler;
import com.baidu.jprotobuf.pbrpc.transport.RpcServer;
import com.baidu.jprotobuf.pbrpc.utils.LogIdThreadLocalHolder;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;

/** jprotobuf's: an attachment comes back with the log id that it came with. */
public final class JprotobufServer {
  static void start(int port) {
    RpcServer server = new RpcServer();
    server.registerService(new JprotobufServer());
    server.start(new InetSocketAddress("127.0.0.1", port));
  }

  @ProtobufRPCService(serviceName = "example.EchoService", methodName = "Echo", attachmentHandler = Attachments.class)
  public Answer echo(Ask ask) {
    return Echo.of("jprotobuf", ask);
  }

  @ProtobufRPCService(serviceName = "example.EchoService", methodName = "Elsewhere")
  public Answer elsewhere(Ask ask) {
    return Echo.of("jprotobuf", ask);
  }

  public static final class Attachments implements ServerAttachmentHandler {
    @Override
    public byte[] handleAttachement(byte[] attached, String service, String method, Object... args) {
      if (attached == null || attached.length == 0) return null;
      String text = new String(attached, StandardCharsets.UTF_8) + " back " + LogIdThreadLocalHolder.getLogId();
      return text.getBytes(StandardCharsets.UTF_8);
    }
  }
}
