package meltemi.peer;

import com.baidu.brpc.protocol.BrpcMeta;

/** The service as brpc-java sees it. */
public interface BrpcEcho {
  @BrpcMeta(serviceName = "example.EchoService", methodName = "Echo")
  Answer echo(Ask ask);

  @BrpcMeta(serviceName = "example.EchoService", methodName = "Elsewhere")
  Answer elsewhere(Ask ask);
}
