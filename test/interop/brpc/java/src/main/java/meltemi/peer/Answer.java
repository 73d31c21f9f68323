package meltemi.peer;

import com.baidu.bjf.remoting.protobuf.annotation.Protobuf;

public class Answer {
  @Protobuf(order = 1, required = true)
  public String text;
}
