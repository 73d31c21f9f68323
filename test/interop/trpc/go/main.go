// A real trpc-go server and client: text in, text out. See ../README.md for flags and lines.
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
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"
	trpc "trpc.group/trpc-go/trpc-go"
	"trpc.group/trpc-go/trpc-go/client"
	"trpc.group/trpc-go/trpc-go/codec"
	"trpc.group/trpc-go/trpc-go/errs"
	"trpc.group/trpc-go/trpc-go/log"
	"trpc.group/trpc-go/trpc-go/server"
	"trpc.group/trpc-go/trpc-go/stream"
	trpcpb "trpc.group/trpc/trpc-protocol/pb/go/trpc"
)

const (
	callee = "trpc.meltemi.peer.Echo"
	prefix = "/" + callee + "/"
)

type text = wrapperspb.StringValue

func main() {
	role := os.Args[1]
	flags := flag.NewFlagSet(role, flag.ExitOnError)
	port := flags.Int("port", 0, "of 127.0.0.1")
	name := flags.String("name", "go", "what the server calls itself")
	multiplexed := flags.Bool("multiplexed", false, "all calls of the client on one connection")
	_ = flags.Parse(os.Args[2:])
	log.SetLevel("0", log.LevelFatal)
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(*port))
	if role == "server" {
		serve(address, *name)
		ready(*port)
		_, _ = io.Copy(io.Discard, os.Stdin)
		return
	}
	ready(*port)
	callAll(address, *multiplexed)
}

func ready(port int) {
	fmt.Printf("{\"ready\":true,\"port\":%d}\n", port)
}

// ---- server

type echo struct{ name string }

func serve(address, name string) {
	service := server.New(
		server.WithProtocol("trpc"), server.WithNetwork("tcp"), server.WithAddress(address),
		server.WithServiceName(callee), server.WithTimeout(10*time.Second),
	)
	desc := &server.ServiceDesc{
		ServiceName:  callee,
		HandlerType:  (*any)(nil),
		StreamHandle: stream.NewStreamDispatcher(),
		Methods:      []server.Method{{Name: prefix + "Say", Func: say}},
		Streams: []server.StreamDesc{
			{StreamName: prefix + "Collect", Handler: collect, ClientStreams: true},
			{StreamName: prefix + "List", Handler: list, ServerStreams: true},
			{StreamName: prefix + "Chat", Handler: chat, ClientStreams: true, ServerStreams: true},
		},
	}
	if err := service.Register(desc, &echo{name}); err != nil {
		panic(err)
	}
	go func() { _ = service.Serve() }()
	for {
		if conn, err := net.Dial("tcp", address); err == nil {
			_ = conn.Close()
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// What a text asks for: an error, or time.
func obey(ask string) error {
	what, rest, _ := strings.Cut(ask, ":")
	switch what {
	case "business":
		return errs.New(10086, rest)
	case "framework":
		return errs.NewFrameError(errs.RetServerOverload, rest)
	case "plain":
		return errors.New(rest)
	case "sleep":
		ms, _ := strconv.Atoi(rest)
		time.Sleep(time.Duration(ms) * time.Millisecond)
	}
	return nil
}

func say(svr any, ctx context.Context, f server.FilterFunc) (any, error) {
	req := &text{}
	filters, err := f(req)
	if err != nil {
		return nil, err
	}
	return filters.Filter(ctx, req, func(ctx context.Context, body any) (any, error) {
		ask := body.(*text).GetValue()
		if err := obey(ask); err != nil {
			return nil, err
		}
		answer := svr.(*echo).name + " " + ask
		if ask == "meta" {
			answer += " " + string(codec.Message(ctx).ServerMetaData()["x-user"])
			answer += " " + string(codec.Message(ctx).ServerMetaData()["added"])
		}
		if left, ok := ctx.Deadline(); ok && ask == "deadline" {
			answer = strconv.FormatInt(time.Until(left).Milliseconds(), 10)
		}
		return &text{Value: answer}, nil
	})
}

func collect(svr any, s server.Stream) error {
	n := 0
	for {
		m := &text{}
		err := s.RecvMsg(m)
		if err == io.EOF {
			return s.SendMsg(&text{Value: fmt.Sprintf("%s got %d", svr.(*echo).name, n)})
		}
		if err != nil {
			return err
		}
		if err := obey(m.GetValue()); err != nil {
			return err
		}
		n += len(m.GetValue())
	}
}

func list(svr any, s server.Stream) error {
	m := &text{}
	if err := s.RecvMsg(m); err != nil {
		return err
	}
	for i := 0; i < len(m.GetValue()); i++ {
		if err := s.SendMsg(&text{Value: fmt.Sprintf("%s part %d %s", svr.(*echo).name, i, m.GetValue())}); err != nil {
			return err
		}
	}
	return nil
}

// Prints why it ended, if not in order.
func chat(svr any, s server.Stream) error {
	err := chatOn(svr, s)
	if err != nil {
		fmt.Printf("{\"ended\":%q}\n", err.Error())
	}
	return err
}

func chatOn(svr any, s server.Stream) error {
	for {
		m := &text{}
		err := s.RecvMsg(m)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := obey(m.GetValue()); err != nil {
			return err
		}
		if err := s.SendMsg(&text{Value: svr.(*echo).name + " " + m.GetValue()}); err != nil {
			return err
		}
	}
}

// ---- client

type line struct {
	ID        int               `json:"id"`
	Method    string            `json:"method"`
	Texts     []string          `json:"texts"`
	Meta      map[string]string `json:"meta"`
	TimeoutMs int               `json:"timeoutMs"`
	Oneway    bool              `json:"oneway"`
	Repeat    int               `json:"repeat"`
}

type answer struct {
	ID    int               `json:"id"`
	Texts []string          `json:"texts"`
	Meta  map[string]string `json:"meta,omitempty"`
	Error *failure          `json:"error,omitempty"`
}

type failure struct {
	Code int    `json:"code"`
	Type int    `json:"type"`
	Text string `json:"text"`
}

func callAll(address string, multiplexed bool) {
	var printing sync.Mutex
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var it line
		if err := json.Unmarshal(lines.Bytes(), &it); err != nil {
			panic(err)
		}
		go func() {
			out := &answer{ID: it.ID, Texts: []string{}}
			err := call(address, multiplexed, it, out)
			if err != nil && err != io.EOF {
				out.Error = &failure{int(errs.Code(err)), -1, errs.Msg(err)}
				var e *errs.Error
				if errors.As(err, &e) {
					out.Error.Type = e.Type
				}
			}
			printed, _ := json.Marshal(out)
			printing.Lock()
			defer printing.Unlock()
			fmt.Println(string(printed))
		}()
	}
}

func call(address string, multiplexed bool, it line, out *answer) error {
	ctx := trpc.BackgroundContext()
	ctx, msg := codec.WithCloneMessage(ctx)
	msg.WithClientRPCName(prefix + it.Method)
	msg.WithCalleeServiceName(callee)
	timeout := 5 * time.Second
	if it.TimeoutMs > 0 {
		timeout = time.Duration(it.TimeoutMs) * time.Millisecond
	}
	head := &trpcpb.ResponseProtocol{}
	opts := []client.Option{
		client.WithProtocol("trpc"), client.WithNetwork("tcp"), client.WithTarget("ip://" + address),
		client.WithServiceName(callee), client.WithCalleeMethod(it.Method), client.WithTimeout(timeout),
		client.WithCallerServiceName("trpc.meltemi.peer.Caller"), client.WithSerializationType(codec.SerializationTypePB),
		client.WithMultiplexed(multiplexed),
	}
	for key, value := range it.Meta {
		opts = append(opts, client.WithMetaData(key, []byte(value)))
	}
	if it.Method == "Say" {
		if it.Oneway {
			opts = append(opts, client.WithSendOnly())
		} else {
			opts = append(opts, client.WithRspHead(head))
		}
		rsp := &text{}
		err := client.DefaultClient.Invoke(ctx, &text{Value: it.Texts[0]}, rsp, opts...)
		out.Texts = append(out.Texts, rsp.GetValue())
		out.Meta = map[string]string{}
		for key, value := range head.GetTransInfo() {
			out.Meta[key] = string(value)
		}
		return err
	}
	desc := &client.ClientStreamDesc{StreamName: it.Method, ClientStreams: it.Method != "List", ServerStreams: it.Method != "Collect"}
	s, err := stream.DefaultStreamClient.NewStream(ctx, desc, prefix+it.Method, opts...)
	if err != nil {
		return err
	}
	return run(s, it, out)
}

// Chat sends a text and waits for its echo; Collect and List send all first.
func run(s client.ClientStream, it line, out *answer) error {
	receive := func() error {
		m := &text{}
		err := s.RecvMsg(m)
		if err == nil {
			out.Texts = append(out.Texts, m.GetValue())
		}
		return err
	}
	for _, each := range it.Texts {
		for n := 0; n < max(1, it.Repeat); n++ {
			if err := s.SendMsg(&text{Value: each}); err != nil {
				return err
			}
		}
		if it.Method != "Chat" {
			continue
		}
		if err := receive(); err != nil {
			return err
		}
	}
	if err := s.CloseSend(); err != nil {
		return err
	}
	for {
		if err := receive(); err != nil {
			return err
		}
		if it.Method == "Collect" {
			return nil
		}
	}
}
