package docker

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/minos-framework/minos-go/deploy"
)

// Compose's labels: with them `docker compose ps`, `logs` and `down` know what we
// made.
const (
	labelProject     = "com.docker.compose.project"
	labelService     = "com.docker.compose.service"
	labelConfigHash  = "com.docker.compose.config-hash"
	labelNumber      = "com.docker.compose.container-number"
	labelOneoff      = "com.docker.compose.oneoff"
	labelWorkingDir  = "com.docker.compose.project.working_dir"
	labelConfigFiles = "com.docker.compose.project.config_files"
	labelVersion     = "com.docker.compose.version"
	labelDependsOn   = "com.docker.compose.depends_on"
	labelNetwork     = "com.docker.compose.network"
	labelVolume      = "com.docker.compose.volume"
)

// Our own labels.
const (
	labelFields    = "run.minos.config"    // deploy.Container.Fields
	labelPublished = "run.minos.published" // deploy.Container.Published
	labelBuildHash = "run.minos.build"     // of an image: deploy.Build.Hash
	labelBases     = "run.minos.bases"     // of an image: deploy.Image.BaseIDs
)

// composeVersion is what the version label says: Compose 2 is whom we follow.
const composeVersion = "2"

// containerLabels returns the labels of the container of a service.
func containerLabels(p *deploy.Project, s deploy.Service, published []deploy.Published) map[string]string {
	var dependsOn []string
	for _, d := range s.DependsOn {
		dependsOn = append(dependsOn, fmt.Sprintf("%s:%s:false", d.Service, d.Condition))
	}
	labels := map[string]string{
		labelProject:     p.Name,
		labelService:     s.Name,
		labelConfigHash:  s.ConfigHash(),
		labelNumber:      "1",
		labelOneoff:      "False",
		labelWorkingDir:  p.Dir,
		labelConfigFiles: strings.Join(p.Files, ","),
		labelVersion:     composeVersion,
		labelDependsOn:   strings.Join(dependsOn, ","),
		labelFields:      encode(s.Fields()),
		labelPublished:   encode(published),
	}
	for name, value := range s.Labels {
		labels[name] = value
	}
	return labels
}

// resourceLabels returns the labels of a network or volume that the project calls key.
func resourceLabels(p *deploy.Project, kind, key string) map[string]string {
	return map[string]string{labelProject: p.Name, kind: key, labelVersion: composeVersion}
}

// encode returns v as JSON. It is given plain data, which always encodes.
func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("docker: encode %T: %v", v, err))
	}
	return string(text)
}

// decode reads a label; what is not there or not ours is the zero value.
func decode[T any](label string) T {
	var v, none T
	if json.Unmarshal([]byte(label), &v) != nil {
		return none
	}
	return v
}
