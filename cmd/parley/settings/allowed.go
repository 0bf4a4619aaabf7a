package settings

import (
	"fmt"
	"reflect"
	"strings"
)

// allowed says what the key takes, as the end of a sentence. Its example is the
// default, which cannot be wrong.
func (k *key) allowed() string {
	example := func(otherwise string) string {
		if k.initial.IsValid() && !k.initial.IsZero() {
			return k.format(k.initial)
		}
		return otherwise
	}
	switch k.kind {
	case section:
		return "give the keys " + enumerate(names(k.keys)) + " below it"
	case table:
		return "give names with their settings below it"
	case list:
		return "give a list such as [" + k.element.sample() + "]"
	case text:
		return "give text" + suchAs(example(""))
	case yesNo:
		return "give true or false"
	case whole:
		return "give a whole number" + k.bounds() + suchAs(example("8"))
	case number:
		return "give a number" + suchAs(example("0.5"))
	case size:
		return "give a number of bytes" + suchAs(k.sizeExample())
	case duration:
		return "give a duration" + suchAs(example("30s"))
	case worded:
		if w, ok := reflect.Zero(k.typ).Interface().(interface{ Allowed() string }); ok {
			return w.Allowed()
		}
		fallthrough
	default:
		return "give a value of the kind " + k.kindName()
	}
}

// bounds tells how far a narrow type reaches.
func (k *key) bounds() string {
	const wide = 64
	bits := k.typ.Bits()
	switch unsigned := reflect.Zero(k.typ).CanUint(); {
	case bits < wide && unsigned:
		return fmt.Sprintf(" from 0 to %d", uint64(1)<<bits-1)
	case bits < wide:
		return fmt.Sprintf(" from %d to %d", -(int64(1) << (bits - 1)), int64(1)<<(bits-1)-1)
	case unsigned:
		return " from 0"
	default:
		return ""
	}
}

func suchAs(example string) string {
	if example == "" {
		return ""
	}
	return " such as " + example
}

// sizeExample shows both ways to write it.
func (k *key) sizeExample() string {
	if !k.initial.IsValid() || k.initial.IsZero() {
		return "4194304 or 4MiB"
	}
	plain, short := fmt.Sprint(k.initial.Interface()), k.format(k.initial)
	if plain == short {
		return plain
	}
	return plain + " or " + short
}

func (k *key) sample() string {
	switch k.kind {
	case section:
		return "{" + strings.Join(names(k.keys), ": ..., ") + ": ...}"
	case text:
		return "one, two"
	default:
		return k.kindName()
	}
}

// kindName is the word for the kind in the reference.
func (k *key) kindName() string {
	switch k.kind {
	case section, table:
		return "settings"
	case list:
		return "list of " + k.element.kindName()
	case text:
		return "text"
	case yesNo:
		return "true or false"
	case whole:
		return "whole number"
	case number:
		return "number"
	case size:
		return "bytes"
	case duration:
		return "duration"
	default:
		return strings.ToLower(k.typ.Name())
	}
}
