package privacy_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/privacy"
)

// What is sealed is readable until its subject is forgotten.
func ExampleVault() {
	ctx := context.Background()
	store, _ := memory.Open(ctx, memory.Config{})
	key, _ := privacy.ParseKey("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
	vault, err := privacy.New(store, privacy.Config{Master: key})
	if err != nil {
		fmt.Println(err)
		return
	}
	at := privacy.Place{Root: "Customer", Field: "email"}
	sealed, _ := vault.Seal(ctx, at, "customer 7", []byte(`"ann@example.com"`))
	opened, _ := vault.Open(ctx, at, sealed)
	fmt.Println(string(opened))

	_ = vault.Forget(ctx, "customer 7")
	_, err = vault.Open(ctx, at, sealed)
	fmt.Println(errors.Is(err, privacy.ErrForgotten), err)
	// Output:
	// "ann@example.com"
	// true open Customer.email: the subject was forgotten
}
