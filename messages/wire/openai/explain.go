package openai

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// path names the value that was read last, as messages[2].content.
func (r *reader) path() string {
	d := jsontext.NewDecoder(bytes.NewReader(r.text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	for d.InputOffset() <= int64(r.last) {
		if _, err := d.ReadToken(); err != nil {
			break
		}
	}
	return pathOf(d.StackPointer())
}

// errTrailing says that something follows a text's value.
var errTrailing = errors.New("something follows the value")

// explain says what is wrong with a text that cannot be read, in jsontext's
// words: a *jsontext.SyntacticError, io.EOF for no text, or errTrailing.
func explain(text []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(text))
	if _, err := d.ReadValue(); err != nil {
		return err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return errTrailing
	}
	return nil
}
