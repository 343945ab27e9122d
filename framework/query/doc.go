// Package query says which entities are wanted: conditions on their fields, an
// order and a limit. What is selected is the same in memory and in every store,
// and is defined by Match and Select, which any store can be compared with.
//
// A path is a field's JSON name, or several with dots between them that lead
// through objects and maps (not through lists). The fields uuid, version,
// created_at and updated_at are every root's.
//
// There is one null: a path that leads nowhere, a JSON null, and a value that
// is not of the kind its Go type says, are the same. Conditions hold or do not;
// there is no third case:
//
//   - a comparison with null or a value of another kind does not hold;
//   - Equal(path, nil) holds for null;
//   - Not holds when what it negates does not, and NotEqual is Not of Equal.
//
// Numbers are compared exactly, beyond 2^53 as well; texts by code point; times
// by instant, to the microsecond. In ascending order nulls come last and equals
// by ascending uuid; descending is the exact reverse of it.
//
//	for order, err := range orders.Find(ctx,
//		query.Equal("customer.country", "PT"), query.GreaterEqual("total", 100),
//		query.Desc("created_at"), query.Limit(10)) {
package query
