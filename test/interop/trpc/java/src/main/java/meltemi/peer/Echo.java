package meltemi.peer;

import com.google.protobuf.StringValue;
import com.tencent.trpc.core.rpc.RpcContext;
import com.tencent.trpc.core.rpc.anno.TRpcMethod;
import com.tencent.trpc.core.rpc.anno.TRpcService;

@TRpcService(name = "trpc.meltemi.peer.Echo")
public interface Echo {
  @TRpcMethod(name = "Say")
  StringValue say(RpcContext context, StringValue text);
}
