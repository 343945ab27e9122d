package blueprint_test

import (
	"path/filepath"
	"strconv"
	"testing"

	"github.com/minos-framework/minos-go"
	"github.com/minos-framework/minos-go/cmd/minos/internal/blueprint"
	"github.com/minos-framework/minos-go/scaffold"
	"github.com/minos-framework/minos-go/scaffold/manifest"
)

func BenchmarkBlueprint_Project(b *testing.B) {
	dir := b.TempDir()
	for i := 0; b.Loop(); i++ {
		p, err := blueprint.Blueprint{Source: minos.Source}.
			Project(filepath.Join(dir, strconv.Itoa(i)), manifest.New("shop", "example.com/shop"))
		if err == nil {
			err = p.Write(b.Context())
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBlueprint_Service(b *testing.B) {
	name, err := scaffold.ParseName("order-line")
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	for i := 0; b.Loop(); i++ {
		p, err := blueprint.Blueprint{Source: minos.Source}.Service(
			filepath.Join(dir, strconv.Itoa(i)), manifest.New("shop", "example.com/shop"), blueprint.NewService{Name: name})
		if err == nil {
			err = p.Write(b.Context())
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
