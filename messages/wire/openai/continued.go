package openai

import (
	"strings"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/sse"
)

// appendContinued tells a reader of the stream that another provider goes on with
// the reply. It is a comment: clients skip it.
func appendContinued(dst []byte, served *messages.Served) []byte {
	return sse.AppendComment(dst, "parley.continued by "+served.Provider+"/"+served.Model+" after "+served.Earlier)
}

// continued names the providers of a reply that had several, in their order, as
// a member of its usage.
func (o *object) continued(served *messages.Served) {
	if served.Earlier == "" {
		return
	}
	o.name("parley")
	w := begin(o.dst)
	names := append(strings.Split(served.Earlier, ", "), served.Provider+"/"+served.Model)
	w.array("providers", len(names), func(dst []byte, i int) []byte { return appendString(dst, names[i]) })
	o.dst = w.end()
}
