package openai

import "example.com/parley/messages"

// chatUsage reads what a provider counted. Counts that are no integers are read
// over: a reply is not lost for its bill.
func (r *reader) chatUsage() (*messages.Usage, error) {
	usage := &messages.Usage{}
	err := r.object(func(name []byte) (err error) {
		switch string(name) {
		case "prompt_tokens":
			usage.Input, err = r.tally()
		case "completion_tokens":
			usage.Output, err = r.tally()
		case "prompt_cache_hit_tokens": // DeepSeek's name
			usage.Cached, err = r.tally()
		case "prompt_tokens_details", "completion_tokens_details":
			err = r.usageDetails(usage)
		default:
			err = r.skip()
		}
		return err
	})
	return usage, err
}

func (r *reader) usageDetails(usage *messages.Usage) error {
	if !r.isObject() {
		return r.skip()
	}
	return r.object(func(name []byte) (err error) {
		switch string(name) {
		case "cached_tokens":
			usage.Cached, err = r.tally()
		case "cache_write_tokens":
			usage.CacheWrite, err = r.tally()
		case "reasoning_tokens":
			usage.Reasoning, err = r.tally()
		default:
			err = r.skip()
		}
		return err
	})
}

// tally reads a count, and 0 for anything that is none.
func (r *reader) tally() (int, error) {
	if !r.isNumber() {
		return 0, r.skip()
	}
	if count, ok := r.digits(); ok {
		return count, nil
	}
	number, err := r.number()
	const most = 1 << 40 // no request has come near it, and sums of it stay integers
	if err != nil || number < 0 || number > most {
		return 0, err
	}
	return int(number), nil
}

// digits reads a short number that is written in digits alone, as counts are: it
// takes a fifth of what a number takes that may have a fraction. Any other is left
// where it is.
func (r *reader) digits() (count int, ok bool) {
	const longest = 9
	at := r.at
	for ; at < len(r.text) && isDigit(r.text[at]); at++ {
		count = 10*count + int(r.text[at]-'0')
		if at-r.at == longest {
			return 0, false
		}
	}
	if at == r.at || at == len(r.text) || r.text[r.at] == '0' && at-r.at > 1 {
		return 0, false
	}
	switch r.text[at] {
	case '.', 'e', 'E':
		return 0, false
	}
	r.last, r.at = r.at, at
	return count, true
}

func (o *object) chatUsage(usage *messages.Usage, served *messages.Served) {
	o.name("usage")
	w := begin(o.dst)
	w.int("prompt_tokens", int64(usage.Input))
	w.int("completion_tokens", int64(usage.Output))
	w.int("total_tokens", int64(usage.Total()))
	w.name("prompt_tokens_details")
	in := begin(w.dst)
	in.int("cached_tokens", int64(usage.Cached))
	if usage.CacheWrite > 0 {
		in.int("cache_write_tokens", int64(usage.CacheWrite))
	}
	w.dst = in.end()
	w.name("completion_tokens_details")
	out := begin(w.dst)
	out.int("reasoning_tokens", int64(usage.Reasoning))
	w.dst = out.end()
	w.continued(served)
	o.dst = w.end()
}
