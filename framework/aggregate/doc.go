// Package aggregate models a service's domain: root entities that are kept as
// events, references between them, and the repository that loads and saves
// them.
//
// A root entity is a struct that embeds Root. What a service needs to know of
// another service's root is a struct that embeds External, referred to by a
// Ref. A Repository stores each change of a root as one event that holds what
// is different (a FieldDiff per changed field, or per element of a changed
// set), together with the state that results, and publishes it as FooCreated,
// FooUpdated, FooUpdated.bar, FooUpdated.items.create or FooDeleted once it is
// committed. What a root records of its own (Root.Record) is stored, replayed
// and published like that, as FooShipped.
//
//	declare a root → NewRepository → Create, Get, Save, Delete, Find → handle
//	its events
//
// References are resolved by Ref.Get or, many at once, by Resolve; CheckReferences
// has saves refuse those that lead nowhere. Fields that are tagged sensitive are
// sealed in events, states and messages by a key of whom they are about:
//
//	Email string `json:"email" sensitive:"true"`       // the root itself
//	Phone string `json:"phone" sensitive:"customer"`   // whom the field customer names
//	Mail  string `json:"mail" sensitive:"true" sealed:"email"` // was once called email
//
// Registry.Forget makes what is sealed about somebody unreadable everywhere;
// Repository.Open opens the events that handlers of the same service receive.
//
// A save sends the version that was read. When another writer was first, it is
// a *ConflictError and nothing is stored: nobody's change is ever overwritten
// unseen.
//
// Replaying the events always gives the state: At and AsOf read an entity as it
// was, Schema reads events of older versions, and Rebuild makes the states anew.
// There is one snapshot per commit, which no option changes: it is what Find
// asks, what a save is checked against, and never behind. A state of 650 bytes
// costs an update nothing that could be measured on PostgreSQL with 16 callers,
// one of 20 kB half of the throughput; so keep roots small.
package aggregate
