use std::{
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use tokio::{
    sync::{oneshot, watch},
    time::advance,
};

use super::*;

const DEADLINE: Duration = Duration::from_secs(2);

/// Work that says that it has begun and goes on until it is told to end.
fn work() -> (impl FnOnce() -> Result<(), Error> + Send, oneshot::Receiver<()>, mpsc::Sender<()>) {
    let (begin, begun) = oneshot::channel();
    let (end, ended) = mpsc::channel::<()>();
    let work = move || {
        let _ = begin.send(());
        let _ = ended.recv();
        Ok(())
    };
    (work, begun, end)
}

#[tokio::test(start_paused = true)]
async fn there_is_never_more_work_than_places() {
    let pool = Pool::new(2, DEADLINE);
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (open, gate) = watch::channel(false);
    let run = |_| {
        let (now, most, gate) = (Arc::clone(&now), Arc::clone(&most), gate.clone());
        pool.run(move || {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            while !*gate.borrow() {
                std::thread::yield_now();
            }
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        })
    };
    let all = async { tokio::join!(run(1), run(2), run(3), run(4), run(5)) };
    let release = async {
        while most.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
        open.send_replace(true);
    };
    let (results, ()) = tokio::join!(all, release);
    assert_eq!(results, (Ok(()), Ok(()), Ok(()), Ok(()), Ok(())));
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn work_that_is_given_up_keeps_its_place_until_it_is_over() {
    let pool = Pool::new(1, DEADLINE);
    let (endless, begun, end) = work();
    let late = async {
        begun.await.unwrap();
        advance(DEADLINE).await;
    };
    let (result, ()) = tokio::join!(pool.run(endless), late);
    assert_eq!(result, Err(Error::TooSlow));
    assert_eq!(pool.places.available_permits(), 0);
    end.send(()).unwrap();
    assert_eq!(pool.run(|| Ok(7)).await, Ok(7));
}

#[tokio::test(start_paused = true)]
async fn who_gets_no_place_in_time_is_told_so() {
    let pool = Pool::new(0, DEADLINE);
    let began = tokio::time::Instant::now();
    assert_eq!(pool.run(|| Ok(())).await, Err(Error::TooSlow));
    assert_eq!(began.elapsed(), DEADLINE);
}

#[tokio::test]
async fn a_panic_fails_the_work_and_frees_its_place() {
    let pool = Pool::new(1, DEADLINE);
    assert_eq!(pool.run::<()>(|| panic!("a codec's")).await, Err(Error::Failed));
    assert_eq!(pool.run(|| Ok(())).await, Ok(()));
    assert_eq!(pool.run::<()>(|| Err(Error::Unreadable)).await, Err(Error::Unreadable));
}
