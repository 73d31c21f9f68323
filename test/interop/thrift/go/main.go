// Echo with Apache Thrift for Go, as the compiler would write it but for what all methods share. Takes the same
// arguments, and prints the same lines, as python/peer.py.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"

	"github.com/apache/thrift/lib/go/thrift"
)

type method struct {
	args   []thrift.TType
	result thrift.TType
	oneway bool
}

var methods = map[string]method{
	"ping":    {args: []thrift.TType{thrift.STRING}, result: thrift.STRING},
	"add":     {args: []thrift.TType{thrift.I32, thrift.I32}, result: thrift.I32},
	"guarded": {args: []thrift.TType{thrift.STRING}, result: thrift.STRING},
	"nothing": {result: thrift.VOID},
	"note":    {args: []thrift.TType{thrift.STRING}, oneway: true},
	"headers": {result: thrift.STRING},
	"missing": {args: []thrift.TType{thrift.STRING}, result: thrift.STRING},
}

// record is any struct of strings, numbers and such structs, by field id.
type record map[int16]any

type denied struct{ reason string }

func (d denied) Error() string { return d.reason }

func (r record) Write(ctx context.Context, out thrift.TProtocol) error {
	if err := out.WriteStructBegin(ctx, ""); err != nil {
		return err
	}
	for id := int16(0); id < 3; id++ {
		value, found := r[id]
		if !found {
			continue
		}
		switch v := value.(type) {
		case string:
			out.WriteFieldBegin(ctx, "", thrift.STRING, id)
			out.WriteString(ctx, v)
		case int32:
			out.WriteFieldBegin(ctx, "", thrift.I32, id)
			out.WriteI32(ctx, v)
		case record:
			out.WriteFieldBegin(ctx, "", thrift.STRUCT, id)
			v.Write(ctx, out)
		}
		out.WriteFieldEnd(ctx)
	}
	out.WriteFieldStop(ctx)
	return out.WriteStructEnd(ctx)
}

func (r record) Read(ctx context.Context, in thrift.TProtocol) error {
	if _, err := in.ReadStructBegin(ctx); err != nil {
		return err
	}
	for {
		_, kind, id, err := in.ReadFieldBegin(ctx)
		if err != nil {
			return err
		}
		if kind == thrift.STOP {
			return in.ReadStructEnd(ctx)
		}
		switch kind {
		case thrift.STRING:
			r[id], err = in.ReadString(ctx)
		case thrift.I32:
			r[id], err = in.ReadI32(ctx)
		case thrift.STRUCT:
			inner := record{}
			err = inner.Read(ctx, in)
			r[id] = inner
		default:
			err = in.Skip(ctx, kind)
		}
		if err != nil {
			return err
		}
		in.ReadFieldEnd(ctx)
	}
}

type processor struct {
	mutex sync.Mutex
	notes []string
}

func (p *processor) ProcessorMap() map[string]thrift.TProcessorFunction  { return nil }
func (p *processor) AddToProcessorMap(string, thrift.TProcessorFunction) {}

func (p *processor) handle(ctx context.Context, name string, args record) (any, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	switch name {
	case "ping":
		return fmt.Sprintf("pong %s, from go", args[1]), nil
	case "add":
		if args[1].(int32) == 666 {
			return nil, errors.New("handler fell over")
		}
		return args[1].(int32) + args[2].(int32), nil
	case "guarded":
		if args[1] == "notes" {
			return strings.Join(p.notes, ", "), nil
		}
		return nil, denied{fmt.Sprintf("no entry for %s", args[1])}
	case "note":
		p.notes = append(p.notes, args[1].(string))
	case "headers":
		headers := map[string]string{}
		for _, key := range thrift.GetReadHeaderList(ctx) {
			headers[key], _ = thrift.GetHeader(ctx, key)
		}
		text, err := json.Marshal(headers)
		return string(text), err
	}
	return nil, nil
}

func (p *processor) Process(ctx context.Context, in, out thrift.TProtocol) (bool, thrift.TException) {
	name, _, seq, err := in.ReadMessageBegin(ctx)
	if err != nil {
		return false, thrift.WrapTException(err)
	}
	args := record{}
	if err := args.Read(ctx, in); err != nil {
		return false, thrift.WrapTException(err)
	}
	in.ReadMessageEnd(ctx)
	m, found := methods[name]
	var answer thrift.TStruct
	kind := thrift.REPLY
	if !found || name == "missing" {
		kind, answer = thrift.EXCEPTION, thrift.NewTApplicationException(thrift.UNKNOWN_METHOD, "Unknown function "+name)
	} else if result, err := p.handle(ctx, name, args); err == nil {
		r := record{}
		if result != nil {
			r[0] = result
		}
		answer = r
	} else if d, ok := err.(denied); ok {
		answer = record{1: record{1: d.reason}}
	} else {
		kind, answer = thrift.EXCEPTION, thrift.NewTApplicationException(thrift.INTERNAL_ERROR, err.Error())
	}
	if m.oneway {
		return true, nil
	}
	out.WriteMessageBegin(ctx, name, kind, seq)
	answer.Write(ctx, out)
	out.WriteMessageEnd(ctx)
	return true, thrift.WrapTException(out.Flush(ctx))
}

type options struct {
	port                int
	transport, protocol string
	service             string
	multiplexed, zlib   bool
}

func factories(o options) (thrift.TTransportFactory, thrift.TProtocolFactory) {
	id := thrift.THeaderProtocolBinary
	if o.protocol == "compact" {
		id = thrift.THeaderProtocolCompact
	}
	conf := &thrift.TConfiguration{THeaderProtocolID: &id}
	if o.transport == "header" {
		return thrift.NewTHeaderTransportFactoryConf(nil, conf), thrift.NewTHeaderProtocolFactoryConf(conf)
	}
	var protocol thrift.TProtocolFactory
	switch o.protocol {
	case "binary":
		protocol = thrift.NewTBinaryProtocolFactoryConf(conf)
	case "compact":
		protocol = thrift.NewTCompactProtocolFactoryConf(conf)
	default:
		protocol = thrift.NewTJSONProtocolFactory()
	}
	if o.transport == "framed" {
		return thrift.NewTFramedTransportFactoryConf(thrift.NewTTransportFactory(), conf), protocol
	}
	return thrift.NewTBufferedTransportFactory(8192), protocol
}

func ready(port int) { fmt.Printf("{\"ready\":true,\"port\":%d}\n", port) }

func serve(o options) error {
	listening, err := thrift.NewTServerSocket(fmt.Sprintf("127.0.0.1:%d", o.port))
	if err != nil {
		return err
	}
	var p thrift.TProcessor = &processor{}
	if o.multiplexed {
		multiplexed := thrift.NewTMultiplexedProcessor()
		multiplexed.RegisterProcessor("Echo", p)
		p = multiplexed
	}
	transport, protocol := factories(o)
	server := thrift.NewTSimpleServer4(p, listening, transport, protocol)
	if err := server.Listen(); err != nil {
		return err
	}
	go server.AcceptLoop()
	ready(o.port)
	io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
	return nil
}

type task struct {
	Id      int               `json:"id"`
	Method  string            `json:"method"`
	Args    []any             `json:"args"`
	Headers map[string]string `json:"headers"`
}

func drive(o options) error {
	sock := thrift.NewTSocketConf(net.JoinHostPort("127.0.0.1", fmt.Sprint(o.port)), nil)
	transports, protocols := factories(o)
	transport, err := transports.GetTransport(sock)
	if err != nil {
		return err
	}
	if err := transport.Open(); err != nil {
		return err
	}
	if header, ok := transport.(*thrift.THeaderTransport); ok && o.zlib {
		header.AddTransform(thrift.TransformZlib)
	}
	in, out := protocols.GetProtocol(transport), protocols.GetProtocol(transport)
	if o.service != "" {
		out = thrift.NewTMultiplexedProtocol(out, o.service)
	}
	client := thrift.NewTStandardClient(in, out)
	ready(o.port)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var t task
		if err := json.Unmarshal(lines.Bytes(), &t); err != nil {
			return err
		}
		text, _ := json.Marshal(call(client, t))
		fmt.Println(string(text))
	}
	return nil
}

func call(client thrift.TClient, t task) map[string]any {
	ctx := context.Background()
	keys := []string{}
	for key, value := range t.Headers {
		ctx = thrift.SetHeader(ctx, key, value)
		keys = append(keys, key)
	}
	ctx = thrift.SetWriteHeaderList(ctx, keys)
	m := methods[t.Method]
	args := record{}
	for i, kind := range m.args {
		if kind == thrift.I32 {
			args[int16(i+1)] = int32(t.Args[i].(float64))
		} else {
			args[int16(i+1)] = t.Args[i].(string)
		}
	}
	answer := map[string]any{"id": t.Id}
	result := record{}
	var into thrift.TStruct = result
	if m.oneway {
		into = nil
	}
	meta, err := client.Call(ctx, t.Method, args, into)
	if len(meta.Headers) > 0 {
		answer["headers"] = meta.Headers
	}
	var application thrift.TApplicationException
	switch {
	case errors.As(err, &application):
		answer["error"] = map[string]any{"kind": "application", "type": application.TypeId(), "text": application.Error()}
	case err != nil:
		answer["error"] = map[string]any{"kind": fmt.Sprintf("%T", err), "text": err.Error()}
	case result[1] != nil:
		answer["error"] = map[string]any{"kind": "denied", "text": result[1].(record)[1]}
	default:
		answer["result"] = result[0]
	}
	return answer
}

func main() {
	var o options
	role := os.Args[1]
	flags := flag.NewFlagSet(role, flag.ExitOnError)
	flags.IntVar(&o.port, "port", 0, "")
	flags.StringVar(&o.transport, "transport", "framed", "")
	flags.StringVar(&o.protocol, "protocol", "binary", "")
	flags.StringVar(&o.service, "service", "", "")
	flags.BoolVar(&o.multiplexed, "multiplexed", false, "")
	flags.BoolVar(&o.zlib, "zlib", false, "")
	flags.Parse(os.Args[2:])
	run := drive
	if role == "server" {
		run = serve
	}
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
