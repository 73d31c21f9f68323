package meltemi.peer;

import com.baidu.brpc.protocol.BrpcMeta;

/** Of the same service, for clients only: no server has Missing, no rule lets Forbidden pass. */
public interface BrpcGhost {
  @BrpcMeta(serviceName = "example.EchoService", methodName = "Missing")
  Answer missing(Ask ask);

  @BrpcMeta(serviceName = "example.EchoService", methodName = "Forbidden")
  Answer forbidden(Ask ask);
}
