package meltemi.peer;

import com.baidu.jprotobuf.pbrpc.ProtobufRPC;

/** The service as clients of jprotobuf see it: no server has Missing, no rule lets Forbidden pass. */
public interface JprotobufEcho {
  @ProtobufRPC(serviceName = "example.EchoService", methodName = "Echo", onceTalkTimeout = 5000,
      attachmentHandler = JprotobufClient.Attachments.class, logIDGenerator = JprotobufClient.LogIds.class)
  Answer echo(Ask ask);

  @ProtobufRPC(serviceName = "example.EchoService", methodName = "Elsewhere", onceTalkTimeout = 5000)
  Answer elsewhere(Ask ask);

  @ProtobufRPC(serviceName = "example.EchoService", methodName = "Missing", onceTalkTimeout = 5000)
  Answer missing(Ask ask);

  @ProtobufRPC(serviceName = "example.EchoService", methodName = "Forbidden", onceTalkTimeout = 5000)
  Answer forbidden(Ask ask);
}
