package meltemi.peer;

import com.baidu.bjf.remoting.protobuf.annotation.Protobuf;

/** jprotobuf makes its codec at run time, for both libraries; only top-level classes do. */
public class Ask {
  @Protobuf(order = 1, required = true)
  public String text;
}
