{{- define "webhook.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "webhook.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "webhook.labels" -}}
{{ include "webhook.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "webhook.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "webhook.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "webhook.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "webhook.host" -}}
{{- printf "%s.%s.svc" (include "webhook.fullname" .) .Release.Namespace -}}
{{- end -}}

{{- define "webhook.podsConfiguration" -}}aws-{{ include "webhook.fullname" . }}-pods{{- end -}}
{{- define "webhook.secretsConfiguration" -}}aws-{{ include "webhook.fullname" . }}-secrets{{- end -}}

{{/* The Secret with tls.crt and tls.key, in the modes that have one. */}}
{{- define "webhook.tlsSecret" -}}
{{- if eq .Values.tls.mode "provided" -}}
{{- required "tls.provided.secretName is needed with tls.mode: provided; it names a Secret with tls.crt and tls.key" .Values.tls.provided.secretName -}}
{{- else -}}
{{- include "webhook.fullname" . }}-tls
{{- end -}}
{{- end -}}

{{/* "true" where the API server evaluates CEL before it calls the webhook. */}}
{{- define "webhook.cel" -}}
{{- if eq .Values.webhook.matchConditions "always" -}}true
{{- else if and (eq .Values.webhook.matchConditions "auto") (semverCompare ">=1.28.0-0" .Capabilities.KubeVersion.Version) -}}true
{{- end -}}
{{- end -}}

{{- define "webhook.clientConfig" -}}
service:
  name: {{ include "webhook.fullname" .root }}
  namespace: {{ .root.Release.Namespace }}
  path: {{ .path }}
  port: 443
{{- if eq .root.Values.tls.mode "provided" }}
caBundle: {{ required "tls.provided.caBundle is needed with tls.mode: provided; it is the PEM text of the authority that signed the certificate" .root.Values.tls.provided.caBundle | b64enc }}
{{- end }}
{{- end -}}

{{/* Namespaces that are looked at: never the webhook's own, which must be able to start without itself. */}}
{{- define "webhook.namespaceSelector" -}}
{{- with .Values.webhook.namespaceSelector.matchLabels }}
matchLabels:
  {{- toYaml . | nindent 2 }}
{{- end }}
matchExpressions:
  - key: kubernetes.io/metadata.name
    operator: NotIn
    values: {{ toYaml (concat (list .Release.Namespace) .Values.webhook.excludedNamespaces | uniq) | nindent 6 }}
  {{- if not (include "webhook.cel" .) }}
  - key: secrets.k8s.aws/inject
    operator: In
    values: [enabled]
  {{- end }}
  {{- with .Values.webhook.namespaceSelector.matchExpressions }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- define "webhook.config" -}}
{{- toYaml (merge (dict "fetcherImage" .Values.fetcher.image) .Values.config) -}}
{{- end -}}

{{/* "true" if one replica looks after what native Secrets have in the backend. */}}
{{- define "webhook.sweeps" -}}
{{- if and .Values.nativeSecrets.enabled .Values.nativeSecrets.sweeper.enabled (eq .Values.nativeSecrets.backend "secretsmanager") -}}
{{- if not (or .Values.nativeSecrets.cluster (default (dict) .Values.config.nativeSecrets).cluster) -}}
{{- fail "nativeSecrets.cluster is needed by the sweeper, which would delete the secrets of another cluster without a name in the same account (\"kubernetes\" for what was written by default); or set nativeSecrets.sweeper.enabled: false" -}}
{{- end -}}
true
{{- end -}}
{{- end -}}

{{/* "true" if the webhook itself calls the API server. */}}
{{- define "webhook.callsApiServer" -}}
{{- if or (eq .Values.tls.mode "selfManaged") (include "webhook.sweeps" .) -}}true{{- end -}}
{{- end -}}

{{/* Of which annotations of pods one is enough for the pod to be sent. */}}
{{- define "webhook.podKey" -}}
key.contains('k8s.aws')
{{- if eq (default "" (default (dict) .Values.config.nativeSecrets).profile) "nase" }} || key.startsWith('nase.mhausenblas.info/'){{ end -}}
{{- end -}}

{{/* Which Secrets are sent; "secret" stands for the object and for the one before. There is no object on DELETE, no oldObject on CREATE. */}}
{{- define "webhook.nativeCondition" -}}
{{- $native := default (dict) .Values.config.nativeSecrets -}}
{{- if eq (default "" $native.profile) "nase" -}}
[object, oldObject].exists(secret, secret != null && has(secret.data) && 'nase' in secret.data)
{{- else -}}
[object, oldObject].exists(secret, secret != null
&& ((has(secret.metadata.labels) && secret.metadata.labels.exists(key, key.contains('k8s.aws')))
|| (has(secret.metadata.annotations) && secret.metadata.annotations.exists(key, key.contains('k8s.aws')))))
{{- with $native.namespaces }}
|| request.namespace in {{ toJson . }}
{{- end -}}
{{- end -}}
{{- end -}}
