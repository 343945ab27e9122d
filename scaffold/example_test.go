package scaffold_test

import (
	"fmt"

	"github.com/minos-framework/minos-go/scaffold"
)

// One name has a form for each place that it goes to; what has none is refused
// with what to do instead.
func ExampleParseName() {
	n, err := scaffold.ParseName("order-line")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(n, n.Package(), n.Type(), n.Database(), n.Plural())

	_, err = scaffold.ParseName("Order")
	fmt.Println(err)
	// Output:
	// order-line orderline OrderLine order_line_db order-lines
	// name "Order" has an upper-case letter; did you mean order?
}
