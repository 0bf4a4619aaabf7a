package embed_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"testing"

	"example.com/parley/actors/cache/embed"
)

// golden is what the program that made the table says of it.
type golden struct {
	SHA256  string `json:"sha256"`
	Vectors []struct {
		Text   string `json:"text"`
		Vector string `json:"vector"` // base64 of float32, little-endian
	} `json:"vectors"`
}

func readGolden(t *testing.T) (g golden) {
	t.Helper()
	text, err := os.ReadFile("static/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func static(t testing.TB) *embed.Static {
	t.Helper()
	s, err := embed.OpenStatic()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTableIsTheOneThatWasMade(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("static/table.bin")
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(file); hex.EncodeToString(sum[:]) != readGolden(t).SHA256 {
		t.Errorf("table.bin has the SHA-256 %x: make it and golden.json anew with static/distill.py", sum)
	}
	if const8MB := 8_000_000; len(file) > const8MB {
		t.Errorf("table.bin has %d bytes, want at most %d", len(file), const8MB)
	}
}

func TestStaticEmbedsAsItsMakerDoes(t *testing.T) {
	t.Parallel()
	s := static(t)
	for _, tt := range readGolden(t).Vectors {
		packed, err := base64.StdEncoding.DecodeString(tt.Vector)
		if err != nil {
			t.Fatal(err)
		}
		want := make([]float32, len(packed)/4)
		for i := range want {
			want[i] = math.Float32frombits(binary.LittleEndian.Uint32(packed[4*i:]))
		}
		if got := vector(t, s, tt.Text); cosine(got, want) < 0.999 {
			t.Errorf("%q: the cosine to the golden vector is %.4f", tt.Text, cosine(got, want))
		}
	}
}

func vector(t testing.TB, e embed.Embedder, text string) []float32 {
	t.Helper()
	v, err := e.Embed(t.Context(), nil, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// cosine is that of two vectors of length 1, or 0 where one of them is missing.
func cosine(a, b []float32) (sum float64) {
	for i := range min(len(a), len(b)) {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}
