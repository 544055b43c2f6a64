// The way around: pages, conversations, the person.

import { Link, useLocation } from 'wouter-preact';
import { conversations, conversationsFailure, loadMoreConversations, moreConversations } from '../state/conversations';
import { isAdministrator, me, signOut } from '../state/session';
import { thread } from '../state/thread';
import { ConversationItem } from './ConversationItem';
import { Icon, type IconName } from './Icon';
import { Logo } from './Logo';

export function Sidebar({ onNavigate, onClose }: { onNavigate: () => void; onClose: () => void }) {
  return (
    <div class="sidebar-content">
      <div class="brand">
        <Link href="/" class="wordmark" onClick={onNavigate}>
          <Logo />
          Cairn
        </Link>
        <button type="button" class="icon-button" aria-label="Hide sidebar" title="Hide sidebar" onClick={onClose}>
          <Icon name="panel" />
        </button>
      </div>
      <nav aria-label="Pages">
        <PageLink href="/" icon="plus" label="New question" onNavigate={onNavigate} />
        <PageLink href="/search" icon="search" label="Search" onNavigate={onNavigate} />
        {isAdministrator.value && <PageLink href="/sources" icon="sources" label="Sources" onNavigate={onNavigate} />}
      </nav>
      <ConversationList onNavigate={onNavigate} />
      <Person onNavigate={onNavigate} />
    </div>
  );
}

function PageLink(props: { href: string; icon: IconName; label: string; onNavigate: () => void }) {
  const [location] = useLocation();
  return (
    <Link
      href={props.href}
      class="nav-link"
      aria-current={location === props.href ? 'page' : undefined}
      onClick={props.onNavigate}
    >
      <Icon name={props.icon} />
      {props.label}
    </Link>
  );
}

function ConversationList({ onNavigate }: { onNavigate: () => void }) {
  const [location] = useLocation();
  const list = conversations.value;
  return (
    <nav class="conversations" aria-label="Conversations">
      {list.length > 0 && <p class="label">Conversations</p>}
      {conversationsFailure.value && <p class="failure">{conversationsFailure.value}</p>}
      <ul>
        {list.map((conversation) => (
          <ConversationItem
            key={conversation.id}
            conversation={conversation}
            current={location.startsWith('/c/') && conversation.id === thread.id.value}
            onNavigate={onNavigate}
          />
        ))}
      </ul>
      {moreConversations.value !== null && (
        <button type="button" class="button more" onClick={() => void loadMoreConversations()}>
          Show older ones
        </button>
      )}
    </nav>
  );
}

function Person({ onNavigate }: { onNavigate: () => void }) {
  const person = me.value;
  if (!person) return null;
  const name = person.name || person.email || 'Local administrator';
  return (
    <div class="person">
      <span class="avatar" aria-hidden="true">
        {[...name][0]?.toUpperCase()}
      </span>
      <span class="person-name">{name}</span>
      {person.via === 'session' && person.password !== 'off' && (
        <Link href="/password" class="icon-button" aria-label="Password" title="Password" onClick={onNavigate}>
          <Icon name="key" />
        </Link>
      )}
      {person.via === 'session' && (
        <button type="button" class="icon-button" aria-label="Sign out" title="Sign out" onClick={() => void signOut()}>
          <Icon name="out" />
        </button>
      )}
    </div>
  );
}
