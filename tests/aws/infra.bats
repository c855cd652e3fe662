#!/usr/bin/env bats
# bin/infra with the real AWS CLI against moto. moto makes the bucket, the users and the policies of
# aws/stack.yaml; standins/cloudformation.py adds the distribution and the bucket policy. Skipped: the
# certificate, the DNS records and the response headers policies (test_stack.py reads their text), and the
# bucket's access block, ownership and versions, which moto's CloudFormation ignores.

bats_require_minimum_version 1.5.0
load ../support/helper

setup_file() {
  own_environment
  PYTHONPATH=$ROOT:$ROOT/scripts:$ROOT/tests python -m standins.aws --cloudformation >"$BATS_FILE_TMPDIR/aws.env" 2>/dev/null 3>&- &
  echo $! >"$BATS_FILE_TMPDIR/aws.pid"
  local tries=0
  until grep -q '^$' "$BATS_FILE_TMPDIR/aws.env"; do
    tries=$((tries + 1))
    ((tries < 1200)) || return 1
    sleep 0.1
  done
}

teardown_file() { kill "$(<"$BATS_FILE_TMPDIR/aws.pid")"; }

setup() {
  local line
  own_environment
  while IFS= read -r line; do
    [[ -z $line ]] || export "${line?}"
  done <"$BATS_FILE_TMPDIR/aws.env"
  unset S3_BUCKET CLOUDFRONT_DISTRIBUTION_ID
  export ENV_FILE=$BATS_FILE_TMPDIR/env INFRA_PAUSE=0 STACK=larkfield AWS_PAGER=
}

# setting NAME: print its value in the settings file
setting() { sed -n "s/^$1=//p" "$ENV_FILE"; }

@test "Deploy makes the stack and writes settings and keys to .env with mode 0600, and prints no key" {
  run -0 infra plan Prefix=events
  says $'^create\tBucket \(AWS::S3::Bucket\)$'
  says '^[0-9]+ changes; no resource was changed$'
  run -0 infra deploy Prefix=events
  says 'create complete'
  says "Wrote to $ENV_FILE: .*S3_BUCKET"
  same "$(stat -c %a "$ENV_FILE")" 600
  same "$(setting S3_PREFIX)" events
  [[ $(setting SITE_URL) == https://*.cloudfront.net && -n $(setting CLOUDFRONT_DISTRIBUTION_ID) ]]
  local name
  for name in {UPLOAD,INVALIDATE}_AWS_{ACCESS_KEY_ID,SECRET_ACCESS_KEY}; do
    [[ -n $(setting "$name") ]] || fail "$name is empty"
    ! grep -qF -- "$(setting "$name")" <<<"$output" || fail "$name was printed"
  done
  # shellcheck disable=SC2016  # a query of the AWS CLI
  aws cloudformation describe-stack-resources --stack-name "$STACK" --output text \
    --query 'StackResources[?PhysicalResourceId!=`null`].LogicalResourceId' | tr '\t' '\n' | sort >"$BATS_TEST_TMPDIR/made"
  same "$(tr '\n' ' ' <"$BATS_TEST_TMPDIR/made")" \
    'Bucket BucketPolicy Distribution InvalidatePolicy Invalidator OriginAccess UploadPolicy Uploader '
}

@test "A second deploy changes no resource and no key" {
  cp "$ENV_FILE" "$BATS_TEST_TMPDIR/before"
  run -0 infra deploy
  says 'is up to date'
  cmp "$ENV_FILE" "$BATS_TEST_TMPDIR/before"
  run -0 infra plan
  says 'up to date: no changes'
}

@test "Status names each need that is not met, with its fix, and ends with 1" {
  run -1 --separate-stderr infra status
  says $'^ok\tthe address / shows index.html$'
  says $'^ok\tonly this distribution may read the bucket$'
  says $'^differs\tthe bucket is private: block all public access$'
  CLOUDFRONT_DISTRIBUTION_ID=E404 run -1 infra status
  says $'^unknown\tfiles are compressed: cannot be read'
}

@test "A wrong parameter is named, with the nearest one, and ends with 78" {
  run -78 infra deploy Prefx=x
  says 'did you mean Prefix\?'
  run -2 infra remove
}

@test "A stack whose creation failed is deleted and created again" {
  export AWS_CLI=$BATS_TEST_TMPDIR/aws ENV_FILE=$BATS_TEST_TMPDIR/env COMMANDS=$BATS_TEST_TMPDIR/commands
  cat >"$AWS_CLI" <<'EOF'
#!/bin/sh
echo "$2 $3" >>"$COMMANDS"
case $2 in
  describe-stacks) echo '{"Stacks": [{"StackName": "larkfield", "StackStatus": "ROLLBACK_COMPLETE",
    "Parameters": [{"ParameterKey": "Prefix", "ParameterValue": "events"}]}]}' ;;
  create-stack) for file; do case $file in file://*/parameters) cat "${file#file://}" >>"$COMMANDS" ;; esac; done; echo 'An error occurred (LimitExceeded): enough for this test' >&2; exit 254 ;;
  *) echo '{"StackEvents": []}' ;;
esac
EOF
  chmod +x "$AWS_CLI"
  run -1 infra deploy
  says 'Deleting the stack larkfield, whose creation failed earlier'
  same "$(grep -vE '^describe' "$COMMANDS")" $'delete-stack --stack-name\nwait stack-delete-complete
create-stack --stack-name\n[{"ParameterKey": "Prefix", "ParameterValue": "events"}]'
}

@test "Destroy refuses a bucket with files and a wrong name, then deletes stack, keys, files and bucket" {
  local bucket
  bucket=$(setting S3_BUCKET)
  echo x >"$BATS_TEST_TMPDIR/x"
  aws s3 cp --quiet "$BATS_TEST_TMPDIR/x" "s3://$bucket/events/index.html"
  run -65 infra destroy <<<"$STACK"
  says 'delete them too with --with-content'
  run -65 infra destroy --with-content <<<other
  aws s3api head-object --bucket "$bucket" --key events/index.html >/dev/null
  run -0 infra destroy --with-content <<<"$STACK"
  says "Deleted: the stack $STACK and the bucket $bucket\.$"
  run ! aws s3api head-bucket --bucket "$bucket"
  run ! aws cloudformation describe-stacks --stack-name "$STACK"
  same "$(aws iam list-users --query Users --output text)" ''
  same "$(setting S3_BUCKET)$(setting UPLOAD_AWS_SECRET_ACCESS_KEY)" ''
  run -78 infra destroy <<<"$STACK"
}
