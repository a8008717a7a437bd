#!/usr/bin/python3
"""admit.py REVIEW WEBHOOK CA TOKENS: has a webhook admit the Pod of an AdmissionReview, and prints it as podman can play it.

The patch is applied by python3-jsonpatch, which shares no code with the webhook. What podman 4.3 lacks is then changed,
and nothing else: a name is given, the images are local ones, projected volumes and long annotations go, and the pod has the
host's network, where the emulator listens.
"""

import base64
import json
import ssl
import sys
import urllib.request

import jsonpatch


TOKEN_DIRECTORY = "/var/run/secrets/eks.amazonaws.com/serviceaccount"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        review = json.load(file)
    pod = review["request"]["object"]
    # The restricted Pod Security Standard, which the injected container must not be the first to break.
    pod["spec"]["securityContext"] = {"runAsUser": 1000, "runAsGroup": 1000, "runAsNonRoot": True}
    # Where podman leaves init containers, and their logs, after they ended.
    pod["metadata"]["annotations"]["io.podman.annotations.init.container.type"] = "always"
    application = pod["spec"]["containers"][0]
    # The article's command sleeps for an hour; this one also tells where the file is.
    application["command"] = ["sh", "-c", "echo $(cat /tmp/secret) && mount | grep ' /tmp '"]
    # What EKS's identity webhook adds (IRSA); the injected container gets the same.
    application["env"] = [
        {"name": "AWS_ROLE_ARN", "value": "arn:aws:iam::123456789012:role/webserver"},
        {"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": TOKEN_DIRECTORY + "/token"},
    ]
    token = {"serviceAccountToken": {"audience": "sts.amazonaws.com", "expirationSeconds": 86400, "path": "token"}}
    pod["spec"]["volumes"].append({"name": "aws-iam-token", "projected": {"sources": [token]}})
    application["volumeMounts"].append({"name": "aws-iam-token", "mountPath": TOKEN_DIRECTORY, "readOnly": True})
    request = urllib.request.Request(
        sys.argv[2] + "/mutate-pods?timeout=10s",
        json.dumps(review).encode(),
        {"Content-Type": "application/json"},
    )
    context = ssl.create_default_context(cafile=sys.argv[3])
    with urllib.request.urlopen(request, context=context) as answer:
        response = json.load(answer)["response"]
    if not response["allowed"]:
        sys.exit(f"refused: {response['status']['message']}")
    pod = jsonpatch.apply_patch(pod, json.loads(base64.b64decode(response["patch"])))

    pod["metadata"] = {
        "name": "webserver",
        "annotations": {k: v for k, v in pod["metadata"]["annotations"].items() if len(v) < 64},
    }
    spec = pod["spec"]
    spec["restartPolicy"] = "Never"
    spec["hostNetwork"] = True
    for volume in spec["volumes"]:
        if volume["name"] == "aws-iam-token":
            del volume["projected"]
            volume["hostPath"] = {"path": sys.argv[4]}
    spec["volumes"] = [volume for volume in spec["volumes"] if "projected" not in volume]
    kept = {volume["name"] for volume in spec["volumes"]}
    for container in spec["containers"] + spec["initContainers"]:
        container["imagePullPolicy"] = "Never"
        container["volumeMounts"] = [m for m in container["volumeMounts"] if m["name"] in kept]
    spec["containers"][0]["image"] = "localhost/webserver:check"
    for unknown in ("serviceAccount", "serviceAccountName", "tolerations", "priority", "preemptionPolicy", "schedulerName"):
        spec.pop(unknown, None)
    print(json.dumps(pod, indent=1))


main()
