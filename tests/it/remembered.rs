//! What is remembered of a turn that did not come to its end: people answer to
//! what they have heard.

use std::time::Duration;

use nexy_proto::streaming::StreamRequest;
use nexy_testkit::{
    chat_server::{Recorded, Script},
    stack::question,
};

use crate::support::{Call, Fakes, ask, assert_whole, eventually, interrupt};

const TWO: &str = "There are two Annas: Anna Smith and Anna Brown.";

/// How a turn is cut off.
#[derive(Debug, Clone, Copy)]
enum Cut {
    BargeIn,
    Interrupt,
    HangUp,
}

/// What the model was told of the conversation before: who said what.
fn history(request: &Recorded) -> Vec<(String, String)> {
    let messages = request.body["messages"].as_array().cloned().unwrap_or_default();
    let said = messages.iter().filter(|message| message["role"] != "system").map(|message| {
        let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
        (text("role"), text("content"))
    });
    let mut said: Vec<_> = said.collect();
    said.pop();
    said
}

#[tokio::test]
async fn what_was_said_before_an_interruption_is_known_in_the_next_turn() -> anyhow::Result<()> {
    let fakes = Fakes::saying(Script::text(["Calling Anna Smith."])).await?;
    let words = TWO.split_inclusive(' ').map(str::to_owned);
    let endless = (0..500).map(|_| "And so on and on. ".to_owned());
    let script = Script::text(words.chain([" ".to_owned()]).chain(endless));
    fakes.chat.state().on_prompt("Call Anna", script.token_delay(Duration::from_millis(20)));
    let stack = fakes.stack().start().await?;
    for cut in [Cut::BargeIn, Cut::Interrupt, Cut::HangUp] {
        let device = format!("device-{cut:?}");
        let asked = question(&device, "Call Anna");
        let next = StreamRequest { prompt: "The first one".to_owned(), ..asked.clone() };
        let mut call = Call::ask(&stack, asked).await?;
        call.until(|reply| reply.texts.len() > 2 && !reply.chunks.is_empty()).await?;
        match cut {
            Cut::BargeIn => {
                call.say(next).await?;
                call.until(|reply| reply.ends.len() == 1).await?;
                call.rest().await?;
            }
            Cut::Interrupt => {
                assert!(interrupt(&stack, &device).await?.success);
                assert_whole(&ask(&stack, next).await?);
            }
            Cut::HangUp => {
                drop(call);
                eventually("the model is let go", async || Ok(fakes.chat.open_connections() == 0))
                    .await?;
                assert_whole(&ask(&stack, next).await?);
            }
        }
        let told = history(fakes.chat.requests().last().expect("a request"));
        assert_eq!(told.len(), 2, "{cut:?}: {told:?}");
        assert_eq!(told[0], ("user".to_owned(), "Call Anna".to_owned()));
        let (who, said) = &told[1];
        assert_eq!(who, "assistant");
        assert!(said.starts_with(TWO) && said.ends_with(" […]"), "{cut:?}: {said}");
    }
    stack.stop(&[]).await
}
