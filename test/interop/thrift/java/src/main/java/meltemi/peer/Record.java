package meltemi.peer;

import java.util.Map;
import java.util.TreeMap;
import org.apache.thrift.TBase;
import org.apache.thrift.TException;
import org.apache.thrift.TFieldIdEnum;
import org.apache.thrift.protocol.TField;
import org.apache.thrift.protocol.TProtocol;
import org.apache.thrift.protocol.TProtocolUtil;
import org.apache.thrift.protocol.TStruct;
import org.apache.thrift.protocol.TType;

/** Any struct of strings, numbers and such structs, by field id. */
final class Record implements TBase<Record, TFieldIdEnum> {
  final Map<Short, Object> values = new TreeMap<>();

  Record with(int id, Object value) {
    if (value != null) values.put((short) id, value);
    return this;
  }

  Object get(int id) {
    return values.get((short) id);
  }

  @Override
  public void write(TProtocol out) throws TException {
    out.writeStructBegin(new TStruct());
    for (Map.Entry<Short, Object> entry : values.entrySet()) {
      Object value = entry.getValue();
      if (value instanceof String) {
        out.writeFieldBegin(new TField("", TType.STRING, entry.getKey()));
        out.writeString((String) value);
      } else if (value instanceof Integer) {
        out.writeFieldBegin(new TField("", TType.I32, entry.getKey()));
        out.writeI32((Integer) value);
      } else {
        out.writeFieldBegin(new TField("", TType.STRUCT, entry.getKey()));
        ((Record) value).write(out);
      }
      out.writeFieldEnd();
    }
    out.writeFieldStop();
    out.writeStructEnd();
  }

  @Override
  public void read(TProtocol in) throws TException {
    in.readStructBegin();
    for (TField field = in.readFieldBegin(); field.type != TType.STOP; field = in.readFieldBegin()) {
      if (field.type == TType.STRING) with(field.id, in.readString());
      else if (field.type == TType.I32) with(field.id, in.readI32());
      else if (field.type == TType.STRUCT) {
        Record inner = new Record();
        inner.read(in);
        with(field.id, inner);
      } else TProtocolUtil.skip(in, field.type);
      in.readFieldEnd();
    }
    in.readStructEnd();
  }

  @Override
  public Record deepCopy() {
    Record copy = new Record();
    copy.values.putAll(values);
    return copy;
  }

  @Override
  public void clear() {
    values.clear();
  }

  @Override
  public int compareTo(Record other) {
    throw new UnsupportedOperationException();
  }

  @Override
  public TFieldIdEnum fieldForId(int id) {
    throw new UnsupportedOperationException();
  }

  @Override
  public boolean isSet(TFieldIdEnum field) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Object getFieldValue(TFieldIdEnum field) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void setFieldValue(TFieldIdEnum field, Object value) {
    throw new UnsupportedOperationException();
  }
}
