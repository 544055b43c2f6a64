// The frame around the pages.

import { useEffect, useState } from 'preact/hooks';
import { Link, Route, Switch, useLocation } from 'wouter-preact';
import { Announcer } from './components/Announcer';
import { CitationCard } from './components/CitationCard';
import { DocumentPanel } from './components/DocumentPanel';
import { Icon } from './components/Icon';
import { lazy } from './components/lazy';
import { Logo } from './components/Logo';
import { Modal } from './components/Modal';
import { Sidebar } from './components/Sidebar';
import { NARROW, useMedia } from './components/useMedia';
import { AskPage } from './pages/AskPage';
import { DocumentPage } from './pages/DocumentPage';
import { LoginPage } from './pages/LoginPage';
import { MissingPage } from './pages/MissingPage';
import { SearchPage } from './pages/SearchPage';
import { loadConversations } from './state/conversations';
import { openPassage } from './state/panel';
import { loadSession, me, session } from './state/session';
import { loadSources } from './state/sources';

const SourcesPage = lazy(() => import('./pages/SourcesPage'));
const DevicePage = lazy(() => import('./pages/DevicePage'));
const PasswordPage = lazy(() => import('./pages/PasswordPage'));

export function App() {
  const current = session.value;
  const [location] = useLocation();
  switch (current.kind) {
    case 'loading':
      return null;
    case 'unreachable':
      return <Unreachable reason={current.reason} />;
    case 'signed-out':
      return <LoginPage />;
    case 'signed-in':
      return location === '/login' ? <LoginPage /> : <Frame />;
  }
}

function Frame() {
  const narrow = useMedia(NARROW);
  const [wide, setWide] = useState(true); // the sidebar beside the page
  const [drawer, setDrawer] = useState(false); // the sidebar over the page
  const [location] = useLocation();
  const person = me.value?.id;
  useEffect(() => {
    void loadConversations();
    void loadSources();
  }, [person]);
  useEffect(() => {
    openPassage.value = null;
    setDrawer(false);
  }, [location]);

  const beside = !narrow && wide;
  return (
    <div class="app" data-sidebar={beside} data-panel={openPassage.value !== null && !narrow}>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      {beside ? (
        <aside class="sidebar" aria-label="Sidebar">
          <Sidebar onNavigate={() => {}} onClose={() => setWide(false)} />
        </aside>
      ) : (
        <Topbar onMenu={() => (narrow ? setDrawer(true) : setWide(true))} />
      )}
      {narrow && drawer && (
        <Modal class="drawer" label="Menu" onClose={() => setDrawer(false)}>
          <Sidebar onNavigate={() => setDrawer(false)} onClose={() => setDrawer(false)} />
        </Modal>
      )}
      <main id="main" tabIndex={-1}>
        <Pages />
      </main>
      <DocumentPanel />
      <CitationCard />
      <Announcer />
    </div>
  );
}

// The empty page and a conversation share a route: the first question turns one into the other while it is answered.
function Pages() {
  return (
    <Switch>
      <Route path="/search">
        <SearchPage />
      </Route>
      <Route path="/sources">
        <SourcesPage />
      </Route>
      <Route path="/device">
        <DevicePage />
      </Route>
      <Route path="/password">
        <PasswordPage />
      </Route>
      <Route path="/d/:id">{({ id }) => <DocumentPage id={id} />}</Route>
      <Route path="/:kind?/:conversation?">
        {({ kind, conversation }) =>
          kind === undefined || (kind === 'c' && conversation !== undefined) ? (
            <AskPage conversation={conversation ?? ''} />
          ) : (
            <MissingPage />
          )
        }
      </Route>
      <Route>
        <MissingPage />
      </Route>
    </Switch>
  );
}

function Topbar({ onMenu }: { onMenu: () => void }) {
  return (
    <header class="topbar">
      <button type="button" class="icon-button" aria-label="Menu" title="Menu" onClick={onMenu}>
        <Icon name="menu" />
      </button>
      <Link href="/" class="wordmark">
        <Logo size={22} />
        Cairn
      </Link>
      <Link href="/" class="icon-button" aria-label="New question" title="New question">
        <Icon name="plus" />
      </Link>
    </header>
  );
}

function Unreachable({ reason }: { reason: string }) {
  return (
    <main class="login" id="main">
      <Logo size={48} />
      <h1>Cairn cannot be reached</h1>
      <p>{reason}</p>
      <button type="button" class="button primary" onClick={() => void loadSession()}>
        Try again
      </button>
    </main>
  );
}
