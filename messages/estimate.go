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
