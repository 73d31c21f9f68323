package meltemi.peer;

import com.baidu.jprotobuf.pbrpc.ClientAttachmentHandler;
import com.baidu.jprotobuf.pbrpc.ErrorDataException;
import com.baidu.jprotobuf.pbrpc.LogIDGenerator;
import com.baidu.jprotobuf.pbrpc.client.ProtobufRpcProxy;
import com.baidu.jprotobuf.pbrpc.transport.RpcClient;
import java.lang.reflect.UndeclaredThrowableException;
import java.nio.charset.StandardCharsets;

/** jprotobuf's client. Its hooks are classes: what they are to send, and what came, stands in the calling thread. */
final class JprotobufClient implements Peer.Client {
  private static final ThreadLocal<String> SENT = new ThreadLocal<>();
  private static final ThreadLocal<String> GOT = new ThreadLocal<>();
  private static final ThreadLocal<Long> LOG_ID = ThreadLocal.withInitial(() -> 0L);

  private final JprotobufEcho echo;

  JprotobufClient(int port) {
    ProtobufRpcProxy<JprotobufEcho> proxy = new ProtobufRpcProxy<>(new RpcClient(), JprotobufEcho.class);
    proxy.setHost("127.0.0.1");
    proxy.setPort(port);
    proxy.setLookupStubOnStartup(false);
    echo = proxy.proxy();
  }

  @Override
  public Peer.Outcome call(String method, Ask ask, String attachment, long logId) {
    SENT.set(attachment);
    GOT.remove();
    LOG_ID.set(logId);
    try {
      return new Peer.Outcome(answer(method, ask).text, GOT.get());
    } catch (Throwable thrown) {
      Throwable cause = thrown instanceof UndeclaredThrowableException ? thrown.getCause() : thrown;
      return new Peer.Outcome(cause, cause instanceof ErrorDataException ? ((ErrorDataException) cause).getErrorCode() : -1);
    }
  }

  private Answer answer(String method, Ask ask) {
    switch (method) {
      case "Echo": return echo.echo(ask);
      case "Elsewhere": return echo.elsewhere(ask);
      case "Missing": return echo.missing(ask);
      default: return echo.forbidden(ask);
    }
  }

  public static final class Attachments implements ClientAttachmentHandler {
    @Override
    public byte[] handleRequest(String service, String method, Object... args) {
      return SENT.get().isEmpty() ? null : SENT.get().getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public void handleResponse(byte[] attached, String service, String method, Object... args) {
      GOT.set(attached == null ? null : new String(attached, StandardCharsets.UTF_8));
    }
  }

  public static final class LogIds implements LogIDGenerator {
    @Override
    public long generate(String service, String method, Object... args) {
      return LOG_ID.get();
    }
  }
}
