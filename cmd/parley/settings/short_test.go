package settings_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/cmd/parley/settings"
)

// menu is a section that may be written as its list of dishes, which may be
// written as their names.
type menu struct {
	Style  string `koanf:"style"`
	Dishes []dish `koanf:"dishes" short:"true"`
}

type dish struct {
	Name  string `koanf:"name" short:"true"`
	Price int    `koanf:"price"`
}

type kitchen struct {
	Menus map[string]menu `koanf:"menus"`
}

func TestSectionsAreWrittenShort(t *testing.T) {
	t.Parallel()
	soup := menu{Dishes: []dish{{Name: "soup"}}}
	for name, tt := range map[string]struct {
		file, env string
		want      menu
	}{
		"in full":                   {file: "menus: {noon: {style: plain, dishes: [{name: soup, price: 3}]}}", want: menu{"plain", []dish{{"soup", 3}}}},
		"as a list":                 {file: "menus: {noon: [{name: soup, price: 3}, {name: salad}]}", want: menu{"", []dish{{"soup", 3}, {"salad", 0}}}},
		"as a list of single words": {file: "menus: {noon: [soup, {name: salad}]}", want: menu{"", []dish{{"soup", 0}, {"salad", 0}}}},
		"as a single word":          {file: "menus: {noon: soup}", want: soup},
		"in a variable":             {env: "APP_MENUS_NOON=soup", want: soup},
		"in a variable, with commas": {
			env: "APP_MENUS_NOON=soup, salad", want: menu{"", []dish{{"soup", 0}, {"salad", 0}}},
		},
		"in a variable, as YAML":        {env: "APP_MENUS_NOON={style: plain, dishes: soup}", want: menu{"plain", soup.Dishes}},
		"in the variable of the table":  {env: "APP_MENUS={noon: [soup]}", want: soup},
		"in the variable of the key":    {env: "APP_MENUS_NOON_DISHES=soup", want: soup},
		"over a list that is in a file": {file: "menus: {noon: [salad, bread]}", env: "APP_MENUS_NOON=soup", want: soup},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, faults := loadKitchen(t, tt.file, tt.env)
			if faults != "" {
				t.Fatal(faults)
			}
			if diff := cmp.Diff(tt.want, got.Menus["noon"]); diff != "" {
				t.Errorf("menu (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFaultsInWhatIsWrittenShort(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ file, want string }{
		"a number that is none":          {"menus:\n  noon:\n    - {name: soup, price: much}\n", `app.yaml:3:27: menus.noon.dishes[0].price is "much": give a whole number such as 8`},
		"an unknown key of an item":      {"menus:\n  noon:\n    - {nam: soup}\n", "app.yaml:3:8: menus.noon.dishes[0].nam is not known: did you mean menus.noon.dishes[0].name?"},
		"an unknown key of the section":  {"menus:\n  noon: {dish: [soup]}\n", "app.yaml:2:10: menus.noon.dish is not known: did you mean menus.noon.dishes?"},
		"a list in a list":               {"menus:\n  noon: [[soup]]\n", "app.yaml:2:10: menus.noon.dishes[0].name is a list: give text"},
		"a list that contains itself":    {"menus:\n  noon: &a [*a]\n", "app.yaml:2:9: menus.noon.dishes[0].name is a list: give text"},
		"a mapping where a list belongs": {"menus:\n  noon: {dishes: {name: soup}}\n", "app.yaml:2:18: menus.noon.dishes is a mapping: give a list such as [{name: ..., price: ...}]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, faults := loadKitchen(t, tt.file, ""); faults != tt.want {
				t.Errorf("faults:\n got %s\nwant %s", faults, tt.want)
			}
		})
	}
}

func TestReferenceListsItemsOfItems(t *testing.T) {
	t.Parallel()
	type town struct {
		Inns []menu `koanf:"inns"`
	}
	got := make([]string, 0, 5)
	for _, e := range settings.Reference(&town{}, "APP_") {
		got = append(got, e.Key)
	}
	want := []string{"inns", "inns[].style", "inns[].dishes", "inns[].dishes[].name", "inns[].dishes[].price"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func loadKitchen(t *testing.T, file, env string) (*kitchen, string) {
	t.Helper()
	folder := t.TempDir()
	from := settings.Sources{Prefix: "APP_", Environment: []string{env}, File: filepath.Join(folder, "app.yaml")}
	write(t, from.File, file)
	var k kitchen
	loaded := settings.Load(&k, from)
	return &k, faults(loaded.Report(nil), folder)
}
