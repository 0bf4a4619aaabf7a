package load

import (
	"bytes"
	"fmt"
)

// Request is one request as its bytes.
type Request struct {
	Bytes []byte
	Ends  string // what the body of a whole reply ends with, white space apart: at most 16 bytes
}

// Post renders a POST of a JSON body with further headers, each as "Name: value".
func Post(host, path, body, ends string, headers ...string) Request {
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", path, host, len(body))
	for _, header := range headers {
		b.WriteString(header + "\r\n")
	}
	b.WriteString("\r\n" + body)
	return Request{Bytes: b.Bytes(), Ends: ends}
}
