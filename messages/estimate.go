package messages

// bytesPerToken is what English text comes to with the usual tokenizers. Other
// languages have fewer, so that an estimate is rather too low.
const bytesPerToken = 4

// TokensOf is about how many tokens so many bytes of text have.
func TokensOf(bytes int) int { return (bytes + bytesPerToken - 1) / bytesPerToken }

// EstimateTokens is about how many tokens of input the items are, for where the
// provider says nothing of them, or not yet.
func EstimateTokens(items []Item) int {
	const perItem = 4 // tokens that a provider's template puts around a message
	bytes := 0
	for i := range items {
		bytes += items[i].Size()
	}
	return TokensOf(bytes) + perItem*len(items)
}

// MostTokens is how many tokens of input a call cannot have more of. A token is at
// least a byte with every tokenizer there is. Not bounded by it is what a provider
// reads by itself: the results of its own tools, and files that it fetches.
func MostTokens(call *Call) int {
	const (
		around  = 64   // tokens around the whole
		perItem = 16   // that a provider's template puts around a message
		perTool = 16   // likewise
		tooled  = 1024 // that the template explains tools with
	)
	most := around + perItem*len(call.Items)
	for i := range call.Items {
		most += mostOfItem(&call.Items[i])
	}
	if o := &call.Options; len(o.Tools) > 0 {
		most += tooled + perTool*len(o.Tools)
		for i := range o.Tools {
			most += len(o.Tools[i].Name) + len(o.Tools[i].Description) + len(o.Tools[i].Parameters) + len(o.Tools[i].Raw)
		}
	}
	if f := call.Options.ResponseFormat; f != nil {
		most += len(f.Name) + len(f.Description) + len(f.Schema)
	}
	for i := range call.Options.Extra {
		most += len(call.Options.Extra[i].Value)
	}
	return most
}

func mostOfItem(item *Item) int {
	const (
		image      = 50_000 // tokens of the largest that a provider takes, by the model that counts the most
		smallImage = 3_000  // of one that is to be looked at in low detail
	)
	most := len(item.Args) + len(item.Opaque) + len(item.Name) + len(item.CallID)
	for i := range item.Parts {
		part := &item.Parts[i]
		most += len(part.Text) + len(part.Raw)
		switch {
		case part.Image == "":
		case part.Detail == "low":
			most += smallImage
		default:
			most += image
		}
	}
	return most
}
