// A conversation in the list, with what can be done with it.

import { useState } from 'preact/hooks';
import { Link, useLocation } from 'wouter-preact';
import { explain } from '../api/client';
import type { Conversation } from '../api/schema';
import { announce } from '../state/announcer';
import { remove, rename } from '../state/conversations';
import { Icon } from './Icon';
import { Modal } from './Modal';

interface Props {
  conversation: Conversation;
  current: boolean;
  onNavigate: () => void;
}

export function ConversationItem({ conversation, current, onNavigate }: Props) {
  const [editing, setEditing] = useState(false);
  const title = conversation.title || 'Untitled';
  return (
    <li class="conversation">
      <Link
        href={`/c/${encodeURIComponent(conversation.id)}`}
        class="nav-link"
        aria-current={current ? 'page' : undefined}
        title={title}
        onClick={onNavigate}
      >
        <span class="ellipsis">{title}</span>
      </Link>
      <button
        type="button"
        class="icon-button"
        aria-label={`Rename or delete: ${title}`}
        title="Rename or delete"
        onClick={() => setEditing(true)}
      >
        <Icon name="more" />
      </button>
      {editing && <EditDialog conversation={conversation} current={current} onClose={() => setEditing(false)} />}
    </li>
  );
}

function EditDialog({
  conversation,
  current,
  onClose,
}: {
  conversation: Conversation;
  current: boolean;
  onClose: () => void;
}) {
  const [title, setTitle] = useState(conversation.title);
  const [failure, setFailure] = useState('');
  const [, navigate] = useLocation();
  const attempt = async (action: () => Promise<void>, done: string) => {
    try {
      await action();
      announce(done);
      onClose();
    } catch (error) {
      setFailure(explain(error));
    }
  };
  return (
    <Modal class="dialog" label="Rename or delete the conversation" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (title.trim() !== '') void attempt(() => rename(conversation.id, title.trim()), 'Renamed');
        }}
      >
        <label class="field">
          <span>Title of the conversation</span>
          <input type="text" value={title} maxLength={200} onInput={(event) => setTitle(event.currentTarget.value)} />
        </label>
        {failure && <p class="failure">{failure}</p>}
        <div class="buttons">
          <button type="submit" class="button primary">
            Rename
          </button>
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button
            type="button"
            class="button danger"
            onClick={() =>
              void attempt(async () => {
                await remove(conversation.id);
                if (current) navigate('/');
              }, 'Deleted')
            }
          >
            Delete
          </button>
        </div>
      </form>
    </Modal>
  );
}
