// Command bareproxy is the server's libraries without the server: Fiber takes a
// request, fasthttp passes it on, and what comes back is handed through. It knows
// nothing of models, keys or conversations. What it costs is what the libraries
// cost, and so the yardstick for everything that the server does beside:
//
//	go run ./bench/bareproxy -listen 127.0.0.1:9091 -upstream 127.0.0.1:9090
//
// It is as fast as these libraries go: the client's request and response are
// those of the server, so that no byte is copied between the two, and a stream
// is flushed whenever something of it was read.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bareproxy:", err)
		os.Exit(1)
	}
}

// run relays until ctx ends.
func run(ctx context.Context, args []string, log io.Writer) error {
	flags := flag.NewFlagSet("bareproxy", flag.ContinueOnError)
	flags.SetOutput(log)
	listen := flags.String("listen", "127.0.0.1:9091", "`host:port` to listen on")
	upstream := flags.String("upstream", "127.0.0.1:9090", "`host:port` to pass requests on to")
	if err := flags.Parse(args); err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", *listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", *listen, err)
	}
	if _, err := fmt.Fprintf(log, "http://%s\n", listener.Addr()); err != nil {
		return errors.Join(err, listener.Close())
	}
	client := newClient(*upstream)
	defer client.CloseIdleConnections()
	app := newApp(client)
	stop := context.AfterFunc(ctx, func() { _ = app.ShutdownWithTimeout(time.Second) })
	defer stop()
	return app.Listener(listener)
}

func newClient(upstream string) *fasthttp.HostClient {
	return &fasthttp.HostClient{
		Addr:                     upstream,
		MaxConns:                 8192,
		ReadBufferSize:           16 << 10, // as the server has it
		StreamResponseBody:       true,
		NoDefaultUserAgentHeader: true,
	}
}

func newApp(client *fasthttp.HostClient) *fiber.App {
	app := fiber.New(fiber.Config{DisableStartupMessage: true, ReadBufferSize: 16 << 10, BodyLimit: 64 << 20})
	app.All("/*", func(c *fiber.Ctx) error { return relay(c, client) })
	return app
}

// relay passes the request on, and the response back. A body that was read with
// its head goes out in one piece; one that was not is a stream.
func relay(c *fiber.Ctx, client *fasthttp.HostClient) error {
	request, response := c.Request(), c.Response()
	request.Header.Del(fiber.HeaderConnection)
	if err := client.Do(request, response); err != nil {
		return fiber.NewError(fiber.StatusBadGateway, err.Error())
	}
	response.Header.Del(fiber.HeaderConnection)
	response.ImmediateHeaderFlush = response.Header.ContentLength() < 0
	return nil
}
