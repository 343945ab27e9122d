package deploy

import (
	"maps"
	"slices"
)

// NewDown returns the steps that take away all there is of a project but its
// images: the containers and networks, and the volumes only when volumes is true.
// It needs no compose.yaml: what is observed says what is ours.
func NewDown(observed *Observed, volumes bool) *Plan {
	p := &planner{plan: &Plan{}, observed: observed}
	const cause = "the project goes down"
	var removed []string
	for _, c := range observed.Containers {
		removed = append(removed, p.remove(c, cause))
	}
	for _, name := range slices.Sorted(maps.Keys(observed.Networks)) {
		p.add(Step{Action: RemoveNetwork, Subject: name, Cause: cause, Needs: slices.Clone(removed)})
	}
	if volumes {
		for _, name := range slices.Sorted(maps.Keys(observed.Volumes)) {
			p.add(Step{
				Action: RemoveVolume, Subject: name, Cause: "its data is to be deleted", Needs: slices.Clone(removed),
			})
		}
	}
	return p.plan
}
