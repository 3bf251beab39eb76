{{- define "assize.name" -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "assize.labels" -}}
app.kubernetes.io/name: assize
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "assize.selector" -}}
app.kubernetes.io/name: assize
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "assize.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "assize.name" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* One line a setting: NAME: "value as JSON"; tables within tables too. */}}
{{- define "assize.settings" -}}
{{- range $key, $value := .values -}}
{{- $name := printf "%s__%s" $.name ($key | upper) -}}
{{- if kindIs "map" $value -}}
{{ include "assize.settings" (dict "name" $name "values" $value) }}
{{- else -}}
{{ $name }}: {{ toJson $value | quote }}
{{ end -}}
{{- end -}}
{{- end -}}

{{/* The pod of a server or a worker; the caller gives root, component, arguments, port and its values. */}}
{{- define "assize.pod" -}}
metadata:
  labels:
    {{- include "assize.selector" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
  annotations:
    # A changed setting starts new pods.
    checksum/config: {{ include (print .root.Template.BasePath "/configmap.yaml") .root | sha256sum }}
    {{- with .root.Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "assize.serviceAccount" .root }}
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: {{ .own.terminationGracePeriodSeconds }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    seccompProfile: { type: RuntimeDefault }
  {{- with .root.Values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: assize
      image: "{{ .root.Values.image.repository }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}"
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      args:
        {{- toYaml .arguments | nindent 8 }}
      envFrom:
        - configMapRef: { name: {{ include "assize.name" .root }} }
        - secretRef: { name: {{ .root.Values.secrets.existing | quote }} }
      ports:
        - { name: http, containerPort: {{ .port }} }
      livenessProbe:
        httpGet: { path: /health, port: http }
        periodSeconds: 10
        timeoutSeconds: 5
      readinessProbe:
        httpGet: { path: /ready, port: http }
        periodSeconds: 10
        # A database that is away is found after five seconds, an object store after ten.
        timeoutSeconds: 15
      resources:
        {{- toYaml .own.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: { drop: [ALL] }
      volumeMounts:
        - { name: home, mountPath: /var/lib/assize }
        - { name: signing-key, mountPath: /run/assize-keys, readOnly: true }
  volumes:
    # The spool and the lock of this pod; everything durable is in the database and the object store.
    - name: home
      emptyDir: { sizeLimit: {{ .own.spoolSize }} }
    - name: signing-key
      secret: { secretName: {{ .root.Values.secrets.signingKey | quote }}, defaultMode: 0440 }
  {{- with .root.Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .root.Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .root.Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
