//! The contracts as shipped clients know them: a changed number fails here.
//!
//! The snapshot shows every change; the tables say which of them are the
//! promise of Docs/PROTOCOL.md, and do so a second time, by hand. What earlier
//! versions said is held by [`baseline`], which no blessing changes.

mod baseline;

use nexy_proto::FILE_DESCRIPTOR_SET;
use prost::Message as _;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
    FileDescriptorSet, ServiceDescriptorProto,
    field_descriptor_proto::{Label, Type},
};

/// New fields of the public contract start here.
const FIRST_NEW_FIELD: i32 = 16;

/// The public contract's package.
const PUBLIC: &str = "streaming";

fn files() -> Vec<FileDescriptorProto> {
    FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).expect("a descriptor set").file
}

fn public() -> FileDescriptorProto {
    files().into_iter().find(|file| file.package() == PUBLIC).expect("the public contract")
}

#[test]
fn the_contracts_are_what_they_were() {
    insta::assert_snapshot!("contracts", contracts());
}

// === The public contract, by hand ===

/// Checks the fields of a message below [`FIRST_NEW_FIELD`]: number, name, type.
#[track_caller]
fn check(message: &str, expected: &[(i32, &str, &str)]) {
    let file = public();
    let found = file.message_type.iter().find(|found| found.name() == message);
    let found = found.unwrap_or_else(|| panic!("there is no message {message}"));
    let fields: Vec<(i32, &str, String)> = found
        .field
        .iter()
        .filter(|field| field.number() < FIRST_NEW_FIELD)
        .map(|field| (field.number(), field.name(), type_text(found, field)))
        .collect();
    let fields: Vec<(i32, &str, &str)> =
        fields.iter().map(|(number, name, kind)| (*number, *name, kind.as_str())).collect();
    assert_eq!(fields, expected, "fields of {message} that clients know");
}

/// Checks the values of an enum.
#[track_caller]
fn check_enum(name: &str, expected: &[(i32, &str)]) {
    let file = public();
    let found = file.enum_type.iter().find(|found| found.name() == name);
    let found = found.unwrap_or_else(|| panic!("there is no enum {name}"));
    let values: Vec<(i32, &str)> =
        found.value.iter().map(|value| (value.number(), value.name())).collect();
    assert_eq!(values, expected, "values of {name}");
}

#[test]
fn the_rpcs_have_their_names_and_shapes() {
    let file = public();
    let services: Vec<&str> = file.service.iter().map(ServiceDescriptorProto::name).collect();
    assert_eq!(services, ["StreamingService"]);
    let rpcs: Vec<String> = file.service.iter().flat_map(rpc_texts).collect();
    assert_eq!(
        rpcs,
        [
            "StreamAudio(stream StreamRequest) returns (stream StreamResponse)",
            "InterruptSession(InterruptRequest) returns (InterruptResponse)",
            "GenerateWelcomeAudio(WelcomeRequest) returns (stream WelcomeResponse)",
            "ReportUsage(UsageRequest) returns (UsageResponse)",
        ]
    );
    assert_eq!((file.name(), file.syntax()), ("streaming.proto", "proto3"));
}

#[test]
fn a_question_has_its_numbers() {
    check(
        "StreamRequest",
        &[
            (1, "prompt", "string"),
            (2, "screenshot", "optional string"),
            (3, "screen_width", "optional int32"),
            (4, "screen_height", "optional int32"),
            (5, "hardware_id", "string"),
            (6, "session_id", "string"),
            (7, "phase", "RequestPhase"),
            (8, "chunk_seq", "int32"),
            (9, "chunk_text", "optional string"),
        ],
    );
    check_enum(
        "RequestPhase",
        &[
            (0, "REQUEST_PHASE_UNSPECIFIED"),
            (1, "REQUEST_PHASE_COLLECT"),
            (2, "REQUEST_PHASE_COMMIT"),
        ],
    );
}

#[test]
fn a_reply_has_its_numbers() {
    check(
        "StreamResponse",
        &[
            (1, "text_chunk", "oneof content string"),
            (2, "audio_chunk", "oneof content AudioChunk"),
            (3, "end_message", "oneof content string"),
            (4, "error_message", "oneof content string"),
            (5, "action_message", "oneof content ActionMessage"),
            (6, "browser_progress", "oneof content BrowserProgressMessage"),
        ],
    );
    check(
        "AudioChunk",
        &[
            (1, "audio_data", "bytes"),
            (2, "dtype", "string"),
            (3, "shape", "repeated int32"),
            (4, "sample_rate", "int32"),
            (5, "channels", "int32"),
        ],
    );
    check(
        "ActionMessage",
        &[
            (1, "action_json", "string"),
            (2, "session_id", "string"),
            (3, "feature_id", "optional string"),
        ],
    );
}

#[test]
fn turn_events_are_a_new_field() {
    let file = public();
    let response = file.message_type.iter().find(|found| found.name() == "StreamResponse");
    let new: Vec<(i32, &str)> = response
        .expect("StreamResponse")
        .field
        .iter()
        .filter(|field| field.number() >= FIRST_NEW_FIELD)
        .map(|field| (field.number(), field.name()))
        .collect();
    assert_eq!(new, [(16, "turn_event")]);
    check("TurnEvent", &[(1, "turn", "uint32"), (2, "kind", "Kind"), (3, "reason", "string")]);
}

#[test]
fn an_interrupt_has_its_numbers() {
    check("InterruptRequest", &[(1, "hardware_id", "string")]);
    check(
        "InterruptResponse",
        &[
            (1, "success", "bool"),
            (2, "interrupted_sessions", "repeated string"),
            (3, "message", "string"),
        ],
    );
}

#[test]
fn a_welcome_has_its_numbers() {
    check(
        "WelcomeRequest",
        &[
            (1, "text", "string"),
            (2, "session_id", "string"),
            (3, "voice", "string"),
            (4, "language", "string"),
        ],
    );
    check(
        "WelcomeMetadata",
        &[
            (1, "method", "string"),
            (2, "duration_sec", "double"),
            (3, "sample_rate", "int32"),
            (4, "channels", "int32"),
            (5, "dtype", "string"),
        ],
    );
    check(
        "WelcomeResponse",
        &[
            (1, "audio_chunk", "oneof content AudioChunk"),
            (2, "metadata", "oneof content WelcomeMetadata"),
            (3, "end_message", "oneof content string"),
            (4, "error_message", "oneof content string"),
        ],
    );
}

#[test]
fn a_usage_report_has_its_numbers() {
    check(
        "UsageRequest",
        &[
            (1, "hardware_id", "string"),
            (2, "session_id", "string"),
            (3, "source", "string"),
            (4, "input_tokens", "int32"),
            (5, "output_tokens", "int32"),
            (6, "model", "string"),
        ],
    );
    check("UsageResponse", &[(1, "success", "bool"), (2, "message", "string")]);
}

#[test]
fn browser_progress_has_its_numbers() {
    check_enum(
        "BrowserEventType",
        &[
            (0, "BROWSER_TASK_STARTED"),
            (1, "BROWSER_STEP_STARTED"),
            (2, "BROWSER_STEP_COMPLETED"),
            (3, "BROWSER_ACTION_EXECUTED"),
            (4, "BROWSER_TASK_COMPLETED"),
            (5, "BROWSER_TASK_FAILED"),
            (6, "BROWSER_TASK_CANCELLED"),
        ],
    );
    check(
        "BrowserProgressMessage",
        &[
            (1, "type", "BrowserEventType"),
            (2, "task_id", "string"),
            (3, "step_number", "optional int32"),
            (4, "description", "optional string"),
            (5, "url", "optional string"),
            (6, "action", "optional string"),
            (7, "timestamp", "string"),
            (8, "error", "optional string"),
            (9, "details", "optional BrowserProgressDetails"),
        ],
    );
    check(
        "BrowserProgressDetails",
        &[
            (1, "duration_sec", "optional double"),
            (2, "actions", "repeated string"),
            (3, "metadata", "map<string, string>"),
        ],
    );
}

// === As text ===

/// Every contract.
fn contracts() -> String {
    files().iter().map(file_text).collect::<Vec<_>>().join("\n")
}

fn file_text(file: &FileDescriptorProto) -> String {
    let services = file.service.iter().flat_map(|service| {
        let head = format!("service {}", service.name());
        std::iter::once(head).chain(rpc_texts(service).into_iter().map(|rpc| format!("  {rpc}")))
    });
    let messages = file.message_type.iter().flat_map(|message| message_lines("", message));
    let enums = file.enum_type.iter().flat_map(|values| enum_lines("", values));
    let head = format!("file {} package {} {}", file.name(), file.package(), file.syntax());
    let lines = std::iter::once(head).chain(services).chain(messages).chain(enums);
    lines.flat_map(|line| [line, "\n".to_owned()]).collect()
}

fn rpc_texts(service: &ServiceDescriptorProto) -> Vec<String> {
    let side = |streaming: bool, name: &str| {
        format!("{}{}", if streaming { "stream " } else { "" }, short(name))
    };
    let text = |rpc: &prost_types::MethodDescriptorProto| {
        let input = side(rpc.client_streaming(), rpc.input_type());
        let output = side(rpc.server_streaming(), rpc.output_type());
        format!("{}({input}) returns ({output})", rpc.name())
    };
    service.method.iter().map(text).collect()
}

fn message_lines(outer: &str, message: &DescriptorProto) -> Vec<String> {
    let name = format!("{outer}{}", message.name());
    let mut lines = vec![format!("message {name}")];
    lines.extend(message.field.iter().map(|field| {
        format!("  {} {} {}", field.number(), field.name(), type_text(message, field))
    }));
    let inner = format!("{name}.");
    let maps = |nested: &&DescriptorProto| {
        !nested.options.as_ref().is_some_and(prost_types::MessageOptions::map_entry)
    };
    let nested = message.nested_type.iter().filter(maps);
    lines.extend(nested.flat_map(|nested| message_lines(&inner, nested)));
    lines.extend(message.enum_type.iter().flat_map(|values| enum_lines(&inner, values)));
    lines
}

fn enum_lines(outer: &str, values: &EnumDescriptorProto) -> Vec<String> {
    let head = format!("enum {outer}{}", values.name());
    let values = values.value.iter().map(|value| format!("  {} {}", value.number(), value.name()));
    std::iter::once(head).chain(values).collect()
}

/// As the .proto file spells it.
fn type_text(message: &DescriptorProto, field: &FieldDescriptorProto) -> String {
    let kind = kind_text(field);
    if let Some(entry) = map_entry(message, field) {
        let sides: Vec<String> = entry.field.iter().map(kind_text).collect();
        return format!("map<{}>", sides.join(", "));
    }
    if field.proto3_optional() {
        return format!("optional {kind}");
    }
    if field.label() == Label::Repeated {
        return format!("repeated {kind}");
    }
    let oneof = field.oneof_index.and_then(|at| message.oneof_decl.get(usize::try_from(at).ok()?));
    match oneof {
        Some(oneof) => format!("oneof {} {kind}", oneof.name()),
        None => kind,
    }
}

fn kind_text(field: &FieldDescriptorProto) -> String {
    match field.r#type() {
        Type::Message | Type::Enum => short(field.type_name()).to_owned(),
        // TYPE_INT32
        kind => kind.as_str_name().trim_start_matches("TYPE_").to_lowercase(),
    }
}

fn map_entry<'m>(
    message: &'m DescriptorProto,
    field: &FieldDescriptorProto,
) -> Option<&'m DescriptorProto> {
    message.nested_type.iter().find(|nested| {
        let is_map = nested.options.as_ref().is_some_and(prost_types::MessageOptions::map_entry);
        is_map && nested.name() == short(field.type_name())
    })
}

fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}
