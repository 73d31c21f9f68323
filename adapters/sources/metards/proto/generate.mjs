/**
 * Makes ../generated from the public protos that @grpc/grpc-js-xds carries: `npm ci && npm run generate`, offline after that.
 *
 * Only messages that the source reads are kept, as the whole closure of a RouteConfiguration is ten times that and costs 100 ms of
 * start-up. A field of a message type that isn't kept stays, under its name and number, as `google.protobuf.Empty`: the same bytes
 * on the wire, its presence can be told, its contents pass through as unknown fields. So what the source does not
 * read it can name. Comments, and options such as validation rules, are left out.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  CodeGeneratorRequestSchema,
  CodeGeneratorResponseSchema,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorSetSchema,
  file_google_protobuf_empty,
} from '@bufbuild/protobuf/wkt';

const here = import.meta.dirname;
const out = join(here, '..', 'generated');
const deps = join(here, 'node_modules/@grpc/grpc-js-xds/deps');
const roots = ['envoy-api', 'xds', 'googleapis', 'protoc-gen-validate'].map((it) => join(deps, it));

const ENTRY = ['envoy/service/discovery/v3/discovery.proto', 'envoy/config/route/v3/route.proto'];

/** Messages whose contents are read or written. Nested ones are named after their parent. */
const KEPT = new Set([
  'envoy.service.discovery.v3.DiscoveryRequest',
  'envoy.service.discovery.v3.DiscoveryResponse',
  'envoy.config.core.v3.Node',
  'google.rpc.Status',
  'google.protobuf.Any',
  'google.protobuf.UInt32Value',
  'google.protobuf.BoolValue',
  'envoy.config.route.v3.RouteConfiguration',
  'envoy.config.route.v3.VirtualHost',
  'envoy.config.route.v3.Route',
  'envoy.config.route.v3.RouteMatch',
  'envoy.config.route.v3.HeaderMatcher',
  'envoy.config.route.v3.RouteAction',
  'envoy.config.route.v3.RouteAction.RequestMirrorPolicy',
  'envoy.config.route.v3.RouteAction.HashPolicy',
  'envoy.config.route.v3.RouteAction.HashPolicy.Header',
  'envoy.config.route.v3.WeightedCluster',
  'envoy.config.route.v3.WeightedCluster.ClusterWeight',
  'envoy.config.core.v3.HeaderValueOption',
  'envoy.config.core.v3.HeaderValueOption.HeaderAppendAction',
  'envoy.config.core.v3.HeaderValue',
  'envoy.config.core.v3.RuntimeFractionalPercent',
  'envoy.type.v3.FractionalPercent',
  'envoy.type.v3.FractionalPercent.DenominatorType',
  'envoy.type.v3.Int64Range',
  'envoy.type.matcher.v3.RegexMatcher',
  'envoy.type.matcher.v3.RegexMatcher.GoogleRE2',
  'envoy.type.matcher.v3.StringMatcher',
]);

const EMPTY = '.google.protobuf.Empty';

const workspace = mkdtempSync(join(tmpdir(), 'metards-proto-'));
try {
  for (const file of ENTRY) copy(file);
  repair();
  const files = prune(compile());
  for (const name of ['envoy', 'google']) rmSync(join(out, name), { recursive: true, force: true });
  for (const { name, content } of generate(files)) {
    mkdirSync(dirname(join(out, name)), { recursive: true });
    writeFileSync(join(out, name), content);
  }
} finally {
  rmSync(workspace, { recursive: true, force: true });
}

/** A file and all that it imports; what google.protobuf has buf brings along. */
function copy(file, done = new Set()) {
  if (done.has(file) || file.startsWith('google/protobuf/')) return;
  done.add(file);
  const text = roots.map((root) => readIfThere(join(root, file))).find((it) => it !== undefined);
  if (text === undefined) throw new Error(`${file} is in none of the packages`);
  mkdirSync(dirname(join(workspace, file)), { recursive: true });
  writeFileSync(join(workspace, file), text);
  for (const [, imported] of text.matchAll(/^import (?:public )?"([^"]+)";/gm)) copy(imported, done);
}

function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The package's validate.proto is older than its Envoy protos, which use an option that it lacks. */
function repair() {
  const path = join(workspace, 'validate/validate.proto');
  const text = readFileSync(path, 'utf8');
  if (/message StringRules \{[^}]*ignore_empty/s.test(text)) return;
  writeFileSync(
    path,
    text.replace('message StringRules {', 'message StringRules {\n  optional bool ignore_empty = 26;'),
  );
}

function compile() {
  writeFileSync(join(workspace, 'buf.yaml'), 'version: v2\n');
  const set = run(join(here, 'node_modules/.bin/buf'), [
    'build',
    '--as-file-descriptor-set',
    '--exclude-source-info',
    '-o',
    '-',
  ]);
  return fromBinary(FileDescriptorSetSchema, set).file;
}

/** Files with what is kept of them, in the compiler's order: those that are imported come first. */
function prune(files) {
  const kept = [file_google_protobuf_empty.proto];
  const seen = new Set();
  const homes = new Map([[EMPTY, kept[0].name]]);
  for (const file of files) {
    if (file.name === kept[0].name) continue;
    if (file.name.startsWith('google/protobuf/')) {
      kept.push(file);
      for (const message of file.messageType) homes.set(`.${file.package}.${message.name}`, file.name);
      continue;
    }
    const used = new Set();
    file.messageType = file.messageType.filter((message) => keepMessage(message, file.package, used, seen));
    file.enumType = file.enumType.filter((it) => keepEnum(it, file.package, seen));
    if (file.messageType.length + file.enumType.length === 0) continue;
    for (const it of [...file.messageType, ...file.enumType]) homes.set(`.${file.package}.${it.name}`, file.name);
    const imported = new Set([...used].map((type) => homeOf(type, homes) ?? file.name));
    imported.delete(file.name);
    file.dependency = [...imported].sort();
    Object.assign(file, { publicDependency: [], weakDependency: [], service: [], extension: [], options: undefined });
    kept.push(file);
  }
  const missing = [...KEPT].filter((name) => !seen.has(name) && !name.startsWith('google.protobuf.'));
  if (missing.length > 0) throw new Error(`not found: ${missing.join(', ')}`);
  return kept;
}

function keepMessage(message, scope, used, seen) {
  const name = `${scope}.${message.name}`;
  if (!KEPT.has(name)) return false;
  seen.add(name);
  message.options = undefined;
  message.extension = [];
  message.nestedType = message.nestedType.filter((it) => keepMessage(it, name, used, seen));
  message.enumType = message.enumType.filter((it) => keepEnum(it, name, seen));
  for (const oneof of message.oneofDecl) oneof.options = undefined;
  for (const field of message.field) {
    field.options = undefined;
    if (field.type === FieldDescriptorProto_Type.ENUM && !KEPT.has(field.typeName.slice(1))) {
      Object.assign(field, { type: FieldDescriptorProto_Type.INT32, typeName: '' });
    } else if (field.type === FieldDescriptorProto_Type.MESSAGE && !KEPT.has(field.typeName.slice(1))) {
      field.typeName = EMPTY;
    }
    if (field.typeName !== '') used.add(field.typeName);
    if (field.label === FieldDescriptorProto_Label.REQUIRED) throw new Error(`${name}.${field.name} is required`);
  }
  return true;
}

function keepEnum(it, scope, seen) {
  const name = `${scope}.${it.name}`;
  if (!KEPT.has(name)) return false;
  seen.add(name);
  it.options = undefined;
  for (const value of it.value) value.options = undefined;
  return true;
}

/** @param type - `.package.Outer.Inner` */
function homeOf(type, homes) {
  for (let name = type; name !== ''; name = name.slice(0, name.lastIndexOf('.'))) {
    const home = homes.get(name);
    if (home !== undefined) return home;
  }
  return undefined;
}

function generate(files) {
  const request = create(CodeGeneratorRequestSchema, {
    fileToGenerate: files.map((it) => it.name).filter((name) => !name.startsWith('google/protobuf/')),
    parameter: 'target=ts,import_extension=js',
    protoFile: files,
  });
  const bytes = toBinary(CodeGeneratorRequestSchema, request);
  const answer = run(process.execPath, [join(here, 'node_modules/@bufbuild/protoc-gen-es/bin/protoc-gen-es')], bytes);
  const response = fromBinary(CodeGeneratorResponseSchema, answer);
  if (response.error) throw new Error(response.error);
  return response.file;
}

function run(command, args, input) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: workspace, input, maxBuffer: 1 << 28 });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
  return stdout;
}
