// Package saga runs work that spans services: steps that are done one after
// the other, and undone in reverse order when one of them fails.
//
// A definition is a chain of steps over a typed context:
//
//	var addFooBar = saga.New[AddFooBar]("AddFooBar").
//		Remote("create the foobar", createFooBar).OnSuccess(keepFooBar).OnFailure(deleteFooBar).
//		Local("update the foo", updateFoo).
//		Commit()
//
// Register makes it known to a Manager at start-up, Run starts an execution
// and waits for its end, Start begins one as part of the caller's unit of work.
//
// # What is stored, and when
//
// An execution is a row. It moves by transitions: the start, a reply, a passed
// deadline. A transition runs the callbacks up to the next step that has to
// wait, and is one commit of one unit of work: the receipt of the reply, the
// row, the entries of its log, what local steps have staged, and the next
// request, which the relay sends afterwards. So a saga of one remote and one
// local step is two commits.
//
// A committed row either waits, for a reply with a deadline or for a deadline
// alone, or has ended. Nothing else has to be resumed after a crash, whenever
// that is:
//
//   - before the first commit, nothing has happened;
//   - between a commit and the sending of its request, the relay sends it;
//   - between the sending and the reply, or with the reply on its way, the
//     broker delivers it to any replica of the service;
//   - while callbacks run, or before their transition is committed, the reply is
//     delivered again, and the deadline found again: what they staged was lost
//     with the process, and they run again on the row as it was;
//   - after the commit, the reply is delivered again, and is settled without
//     effect: its receipt is there, and the row waits for another one.
//
// Rows have revisions, and a transition replaces the revision that it was
// decided on. Of two that are made at the same time, by two replicas or by a
// reply and a deadline, one is stored; the other is made again on the new row,
// where its reply or deadline has usually no meaning any more.
//
// # What is undone
//
// A saga fails when a callback of a step fails, when a reply is an error that
// OnError does not handle, or when a reply is late. Then every step that was
// executed and has an OnFailure is undone, the last one first. Of the failing
// step itself:
//
//   - a step whose own function failed has done nothing and is not undone;
//   - a remote step whose reply was an error has done nothing and is not undone;
//   - a remote step whose OnSuccess failed was done, and is undone first;
//   - a remote step without a reply may have been done, and is undone first.
//     A reply that comes later is ignored.
//
// A remote OnFailure is a request whose reply is waited for. A late reply makes
// it be sent again as the same message, which a service that settles receipts
// handles once; a refusal that may pass (408, 409, 425, 429, 5xx but 501), or an
// error of the callback, makes it be tried again after a pause. An execution
// whose compensation was refused for good, or was tried too often, stops with
// the status NeedsAttention and its earlier steps are left as they are; a late
// reply that it was undone lets it go on.
//
// # Replies
//
// A request has the execution's id in HeaderSaga and its own ID. The reply has
// both: the first finds the row, the second is compared with the request that
// the row waits for, which is one attempt of one step. The handlers of cqrs
// reply so by themselves.
package saga
